"""The gRPC service: who may call, and between messages and values. The order of things is `release`'s."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

import grpc
import grpc.aio
from google.protobuf.message import Message
from structlog.typing import FilteringBoundLogger

from ringfence.lift import LiftError
from ringfence.permit import Permit
from ringfence.tls import CONNECTION_KEY, peer_identity, peer_of
from ringfence.translog import ProofError
from ringfence.v1 import audit_pb2, egress_pb2, egress_pb2_grpc, inference_pb2, types_pb2
from ringfence.wire import WireError, demand_known, label_to
from ringfence_agent.cosigned import Cosigned
from ringfence_agent.entry import matches
from ringfence_agent.gate import Destination, Submission
from ringfence_agent.journal import Journal, Proof
from ringfence_agent.lockdown import Lockdown, Word
from ringfence_agent.providers import Embeddings, TextDelta, ToolCallDelta
from ringfence_agent.release import Admitted, Event, Failed, Release, Released, Withheld
from ringfence_agent.segments import LogError

_ENTRIES_DEFAULT: Final = 1000
_BREATH_ENTRIES: Final = 256
"""A long search lets other calls go on after so many entries."""
_FOREVER_S: Final = 3600.0
_FINISH: Final[Mapping[str, types_pb2.FinishReason.ValueType]] = {
    "stop": types_pb2.FINISH_REASON_STOP,
    "length": types_pb2.FINISH_REASON_LENGTH,
    "tool_calls": types_pb2.FINISH_REASON_TOOL_CALLS,
    "content_filter": types_pb2.FINISH_REASON_CONTENT_FILTER,
}

Context = grpc.aio.ServicerContext[Message, Message]


class EgressService(egress_pb2_grpc.EgressServicer):
    """The agent's only service. Every call needs a daemon's certificate."""

    def __init__(
        self,
        release: Release,
        journal: Journal,
        destinations: Mapping[tuple[str, str], Destination],
        lockdown: Lockdown,
        cosigned: Cosigned,
        *,
        daemons: frozenset[str],
        log: FilteringBoundLogger,
    ) -> None:
        """Wire.

        Args:
            release: sends what may leave.
            journal: the egress log.
            destinations: what may be sent to, by provider and model.
            lockdown: the emergency stop.
            cosigned: what stands under checkpoints besides the log's first signature.
            daemons: SPIFFE ids that may call.
            log: one line for each send, without content.
        """
        self._release = release
        self._journal = journal
        self._destinations = destinations
        self._lockdown = lockdown
        self._cosigned = cosigned
        self._daemons = daemons
        self._log = log

    async def Send(  # noqa: N802 - gRPC's name
        self, request: egress_pb2.SendRequest, context: Context
    ) -> AsyncGenerator[egress_pb2.SendResponse, None]:
        """Send one payload; refusals are events, not statuses."""
        await self._admit(request, context)
        permit = Permit(request.permit.statement, request.permit.signature)
        seconds_max = request.deadline_ms / 1000 or _FOREVER_S
        try:
            async with aclosing(self._release.send(Submission(permit, request.payload), seconds_max)) as events:
                async for event in events:
                    self._tell(event)
                    yield _response(event)
        except LogError as error:
            self._log.error("log_failed", why=str(error))
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"nothing leaves: {error}")
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect's text may hold content, so that gRPC must not log it
            self._log.error("defect", what=type(error).__name__, where=_where(error))
            await context.abort(grpc.StatusCode.INTERNAL, "a defect of the agent; its log says where")

    async def ListProviders(  # noqa: N802
        self, request: egress_pb2.ListProvidersRequest, context: Context
    ) -> egress_pb2.ListProvidersResponse:
        """What may be sent to."""
        await self._admit(request, context)
        await _tell_connection(context)
        closed = "lockdown" if self._lockdown.on else "log" if self._journal.failure else ""
        return egress_pb2.ListProvidersResponse(
            models=[_model(destination, closed) for destination in self._destinations.values()],
            lockdown=self._lockdown.on,
        )

    async def ReadCheckpoint(  # noqa: N802
        self, request: egress_pb2.ReadCheckpointRequest, context: Context
    ) -> egress_pb2.ReadCheckpointResponse:
        """The newest checkpoint, of everything that is durable now, with all that is signed under it."""
        await self._admit(request, context)
        await _tell_connection(context)
        return egress_pb2.ReadCheckpointResponse(checkpoint=self._cosigned.shown(self._journal.checkpoint()))

    async def AddCosignatures(  # noqa: N802
        self, request: egress_pb2.AddCosignaturesRequest, context: Context
    ) -> egress_pb2.AddCosignaturesResponse:
        """Publish a witness's cosignatures."""
        await self._admit(request, context)
        try:
            await self._cosigned.add(request.checkpoint)
        except ProofError as error:
            self._log.warning("cosignature_refused", why=str(error))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except OSError as error:
            self._log.error("cosignature_not_written", why=error.strerror)
            text = f"the cosigned checkpoint cannot be written: {error.strerror}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
        return egress_pb2.AddCosignaturesResponse()

    async def ReadConsistency(  # noqa: N802
        self, request: egress_pb2.ReadConsistencyRequest, context: Context
    ) -> egress_pb2.ReadConsistencyResponse:
        """The proof between two sizes."""
        await self._admit(request, context)
        try:
            path = self._journal.consistency(request.old_size, request.new_size)
        except ProofError as error:
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, str(error))
        except LogError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        return egress_pb2.ReadConsistencyResponse(path=path, checkpoint=self._journal.checkpoint())

    async def ReadEntry(  # noqa: N802
        self, request: egress_pb2.ReadEntryRequest, context: Context
    ) -> egress_pb2.ReadEntryResponse:
        """One entry with its proof."""
        await self._admit(request, context)
        try:
            proof = self._journal.prove(request.index, request.tree_size)
        except ProofError as error:
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, str(error))
        except LogError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        return egress_pb2.ReadEntryResponse(proof=_proof(proof))

    async def ReadEntries(  # noqa: N802
        self, request: egress_pb2.ReadEntriesRequest, context: Context
    ) -> AsyncGenerator[egress_pb2.ReadEntriesResponse, None]:
        """Matching entries, oldest first; with `follow`, also those still to be written."""
        await self._admit(request, context)
        query = request.query
        left = query.entries_max or (0 if request.follow else _ENTRIES_DEFAULT)
        index, sent = query.from_index, 0
        while not query.until_index or index < query.until_index:
            if index >= self._journal.size:
                if not request.follow or self._journal.failure:
                    return
                await self._journal.grown(index)
                continue
            entry = self._journal.read(index)
            if _wanted(query, entry):
                yield egress_pb2.ReadEntriesResponse(index=index, entry=entry)
                sent += 1
                if sent == left:
                    return
            index += 1
            if index % _BREATH_ENTRIES == 0:
                await asyncio.sleep(0)

    async def ReadLockdown(  # noqa: N802
        self, request: egress_pb2.ReadLockdownRequest, context: Context
    ) -> egress_pb2.ReadLockdownResponse:
        """The emergency stop as it stands."""
        await self._admit(request, context)
        return egress_pb2.ReadLockdownResponse(standing=_standing(self._lockdown))

    async def ApplyLockdown(  # noqa: N802
        self, request: egress_pb2.ApplyLockdownRequest, context: Context
    ) -> egress_pb2.ApplyLockdownResponse:
        """Take an operator's order; a stop holds before anything is written down."""
        await self._admit(request, context)
        try:
            word = Word(request.operator, request.signature, request.expires_at_unix_ms)
            await self._lockdown.order(on=request.on, reason=request.reason, by=request.by_pseudonym, word=word)
        except LiftError as error:
            await context.abort(grpc.StatusCode.ABORTED, str(error))
        except OSError as error:
            text = f"egress is {'stopped' if self._lockdown.on else 'allowed'}, but the disk fails: {error.strerror}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
        except LogError as error:
            text = f"egress is {'stopped' if self._lockdown.on else 'allowed'}, but the log fails: {error}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
        self._log.warning("lockdown", on=self._lockdown.on, missing=self._lockdown.missing)
        return egress_pb2.ApplyLockdownResponse(on=self._lockdown.on, standing=_standing(self._lockdown))

    async def _admit(self, request: Message, context: Context) -> None:
        """Demand a daemon's certificate and a request without unknown fields; abort otherwise.

        That the connection is TLS 1.3 with an allowed group was seen before (`ringfence.demand`).
        """
        identity = peer_identity(context.auth_context())
        if identity not in self._daemons:
            self._log.warning("stranger", identity=identity)
            await context.abort(
                grpc.StatusCode.PERMISSION_DENIED, f"{identity} is not in the agent's daemon.identities"
            )
        try:
            demand_known(request)
        except WireError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def _tell(self, event: Event) -> None:
        """One line for each send's end."""
        match event:
            case Withheld(verdict, entry, _):
                rules = [reason.rule for reason in verdict.reasons]
                self._log.warning("refused", rules=rules, entry=entry.index)
            case Failed(error, _, entry):
                self._log.warning("failed", reason=error.reason, entry=entry.index)
            case Released():
                self._log.info("sent", entry=event.outcome.index, duration_us=event.duration_us)
            case _:
                pass


async def _tell_connection(context: Context) -> None:
    """Say how the connection is secured: gRPC tells a client nothing of its handshake, and both ends have the same."""
    await context.send_initial_metadata(((CONNECTION_KEY, str(peer_of(context.auth_context()))),))


def _where(error: Exception) -> list[str]:
    """The lines that an error came through; nothing of what they worked on."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]


def _response(event: Event) -> egress_pb2.SendResponse:
    """An event's message."""
    match event:
        case TextDelta() | ToolCallDelta() | Embeddings():
            return _piece(event)
        case Admitted(index):
            return egress_pb2.SendResponse(admitted=egress_pb2.Admitted(intent_index=index))
        case Withheld(verdict, entry, retry_after_ms):
            return egress_pb2.SendResponse(
                refused=egress_pb2.Refused(
                    rules=[reason.rule for reason in verdict.reasons],
                    message="; ".join(reason.message for reason in verdict.reasons),
                    findings_by_type=verdict.findings,
                    entry=_proof(entry),
                    retry_after_ms=retry_after_ms,
                )
            )
        case Failed(error, nothing_generated, entry):
            return egress_pb2.SendResponse(
                failed=egress_pb2.ProviderFailed(
                    reason=error.reason,
                    message=error.message,
                    retry_after_ms=error.retry_after_ms,
                    nothing_generated=nothing_generated,
                    entry=_proof(entry),
                )
            )
        case Released():
            return egress_pb2.SendResponse(sent=_sent(event))


def _piece(piece: TextDelta | ToolCallDelta | Embeddings) -> egress_pb2.SendResponse:
    """A piece of an answer."""
    match piece:
        case TextDelta(text):
            return egress_pb2.SendResponse(text=inference_pb2.TextDelta(text=text))
        case ToolCallDelta(position, call_id, name, arguments):
            return egress_pb2.SendResponse(
                tool_call=inference_pb2.ToolCallDelta(index=position, id=call_id, name=name, arguments_json=arguments)
            )
        case Embeddings(vectors):
            embeddings = [inference_pb2.Embedding(values=vector) for vector in vectors]
            return egress_pb2.SendResponse(embeddings=egress_pb2.Embeddings(embeddings=embeddings))


def _sent(event: Released) -> egress_pb2.Sent:
    """A provider's answer."""
    usage = types_pb2.Usage(
        prompt_tokens=event.finish.prompt_tokens,
        completion_tokens=event.finish.completion_tokens,
        cached_tokens=event.finish.cached_tokens,
        time_to_first_token_us=event.first_delta_us,
        duration_us=event.duration_us,
    )
    return egress_pb2.Sent(
        reason=_FINISH[event.finish.reason], usage=usage, intent=_proof(event.intent), outcome=_proof(event.outcome)
    )


def _proof(proof: Proof) -> types_pb2.EntryProof:
    """A proof's message."""
    return types_pb2.EntryProof(
        entry=proof.entry, index=proof.index, inclusion_path=proof.inclusion_path, checkpoint=proof.checkpoint
    )


def _standing(lockdown: Lockdown) -> egress_pb2.LockdownStanding:
    """The emergency stop's message."""
    standing = lockdown.standing
    message = egress_pb2.LockdownStanding(
        on=lockdown.on,
        reason=standing.reason,
        since_unix_ms=standing.since_unix_ms if standing.on else 0,
        by_pseudonyms=standing.by,
        log_origin=lockdown.signers.origin,
        signatures_needed=bool(lockdown.signers.keys),
    )
    if waiting := standing.waiting:
        message.confirmations_missing = lockdown.missing
        message.waiting_by_pseudonyms.extend(waiting.by)
        message.waiting_until_unix_ms = waiting.until_unix_ms
    return message


def _model(destination: Destination, unavailable_reason: str) -> egress_pb2.ProviderModel:
    """One model of a provider."""
    return egress_pb2.ProviderModel(
        provider=destination.provider,
        model=destination.model,
        region=destination.region,
        clearance=label_to(destination.clearance),
        contract=destination.contract,
        available=not unavailable_reason,
        unavailable_reason=unavailable_reason,
    )


def _wanted(query: audit_pb2.SearchEntriesRequest, entry: bytes) -> bool:
    """Whether an entry matches a query."""
    record = json.loads(entry)
    since = getattr(query, "from").ToMilliseconds() if query.HasField("from") else 0
    until = query.until.ToMilliseconds() if query.HasField("until") else 0
    named = (("department", query.department), ("provider", query.provider), ("request_id", query.request_id))
    in_time = since <= record["time_unix_ms"] and (not until or record["time_unix_ms"] < until)
    return in_time and matches(record, named)
