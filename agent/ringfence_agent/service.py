"""The gRPC service: who may call, and between messages and values. The order of things is `release`'s."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Final

import grpc
import grpc.aio
from google.protobuf.message import Message
from structlog.typing import FilteringBoundLogger

from ringfence.labels import Level
from ringfence.lift import LiftError
from ringfence.permit import Permit
from ringfence.tls import CONNECTION_KEY, peer_identity, peer_of
from ringfence.translog import ProofError
from ringfence.v1 import egress_pb2, egress_pb2_grpc
from ringfence.wire import WireError, demand_known
from ringfence_agent import messages
from ringfence_agent.cosigned import Cosigned
from ringfence_agent.gate import Destination, Submission
from ringfence_agent.journal import Journal
from ringfence_agent.keyring import KeyRing, NoSuchKey
from ringfence_agent.keys import KeyUnreadable
from ringfence_agent.lockdown import Lockdown, Word
from ringfence_agent.providers.rates import Spent
from ringfence_agent.query import first_since
from ringfence_agent.release import Event, Failed, Release, Released, Withheld
from ringfence_agent.segments import LogError

_ENTRIES_DEFAULT: Final = 1000
_BREATH_ENTRIES: Final = 64
"""A long search lets other calls go on after so many entries: half a millisecond's worth."""
_FOREVER_S: Final = 3600.0

Context = grpc.aio.ServicerContext[Message, Message]


class EgressService(egress_pb2_grpc.EgressServicer):
    """The agent's only service. Every call needs a daemon's certificate."""

    def __init__(
        self,
        release: Release,
        journal: Journal,
        lockdown: Lockdown,
        *,
        destinations: Mapping[tuple[str, str], Destination],
        cosigned: Cosigned,
        keyring: KeyRing,
        is_resting: Callable[[str], bool],
        spent: Callable[[Destination], Spent | None],
        daemons: frozenset[str],
        log: FilteringBoundLogger,
    ) -> None:
        """Wire.

        Args:
            release: sends what may leave.
            journal: the egress log.
            lockdown: the emergency stop.
            destinations: what may be sent to, by provider and model.
            cosigned: what stands under checkpoints besides the log's first signature.
            keyring: the providers' API keys.
            is_resting: whether a provider, by name, is left alone because it failed too often.
            spent: what of a model's rate, or of the agent's quota for its provider, is spent now.
            daemons: SPIFFE ids that may call.
            log: one line for each send, without content.
        """
        self._release = release
        self._journal = journal
        self._destinations = destinations
        self._lockdown = lockdown
        self._cosigned = cosigned
        self._keyring = keyring
        self._is_resting = is_resting
        self._spent = spent
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
                    yield messages.response(event)
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
        return egress_pb2.ListProvidersResponse(
            models=[
                messages.model(one, self._closed_by(one.provider), self._spent(one))
                for one in self._destinations.values()
            ],
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
        return egress_pb2.ReadEntryResponse(proof=messages.proof(proof))

    async def ReadEntries(  # noqa: N802
        self, request: egress_pb2.ReadEntriesRequest, context: Context
    ) -> AsyncGenerator[egress_pb2.ReadEntriesResponse, None]:
        """Matching entries, oldest first; with `follow`, also those still to be written."""
        await self._admit(request, context)
        if request.query.level_min not in {0, *Level}:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "level_min: not a level that this agent knows")
        try:
            async with aclosing(self._matching(request)) as found:
                async for index, entry in found:
                    yield egress_pb2.ReadEntriesResponse(index=index, entry=entry)
        except LogError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except OSError as error:
            text = f"the log cannot be read: {error.strerror}; mend the disk"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)

    async def _matching(self, request: egress_pb2.ReadEntriesRequest) -> AsyncGenerator[tuple[int, bytes], None]:
        """Index and bytes of each entry that is asked for; OSError or LogError where one cannot be read."""
        left = request.query.entries_max or (0 if request.follow else _ENTRIES_DEFAULT)
        query = messages.query(request.query)
        wanted, index, end = query.filter(), request.query.from_index, request.query.until_index
        if query.since_unix_ms:
            index = first_since(self._journal.read, index, self._journal.size, query.since_unix_ms)
        while not end or index < end:
            if index >= self._journal.size:
                if request.follow and await self._journal.grown(index):
                    continue
                return
            entry = self._journal.read(index)
            if wanted(entry):
                yield index, entry
                left -= 1
                if left == 0:
                    return
            index += 1
            if index % _BREATH_ENTRIES == 0:
                if query.over(entry):
                    return
                await asyncio.sleep(0)

    async def ReadLockdown(  # noqa: N802
        self, request: egress_pb2.ReadLockdownRequest, context: Context
    ) -> egress_pb2.ReadLockdownResponse:
        """The emergency stop as it stands."""
        await self._admit(request, context)
        return egress_pb2.ReadLockdownResponse(standing=messages.standing(self._lockdown))

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
        return egress_pb2.ApplyLockdownResponse(on=self._lockdown.on, standing=messages.standing(self._lockdown))

    async def RotateKey(  # noqa: N802
        self, request: egress_pb2.RotateKeyRequest, context: Context
    ) -> egress_pb2.RotateKeyResponse:
        """Read a provider's API key anew; on return it is used, and the log says so."""
        await self._admit(request, context)
        try:
            before, now = await self._keyring.rotate(request.provider, request.by_pseudonym[:256])
        except NoSuchKey as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except KeyUnreadable as error:
            self._log.warning("key_unreadable", provider=request.provider)
            await context.abort(grpc.StatusCode.ABORTED, str(error))
        except LogError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        self._log.warning("key_rotated", provider=request.provider, changed=before != now)
        return egress_pb2.RotateKeyResponse(fingerprint_before=before, fingerprint=now)

    def _closed_by(self, provider: str) -> str:
        """Why nothing goes to a provider now; empty where something may."""
        if self._lockdown.on:
            return "lockdown"
        if self._journal.failure:
            return "log"
        return "breaker" if self._is_resting(provider) else ""

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
