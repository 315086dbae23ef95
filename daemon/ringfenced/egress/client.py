"""The client of the agent: sends de-identified payloads, each under a permit of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence import permit
from ringfence.streams import reading
from ringfence.v1 import egress_pb2, egress_pb2_grpc, types_pb2
from ringfence.wire import WireError
from ringfenced.egress import encode
from ringfenced.egress.cosigning import Cosigning
from ringfenced.egress.log import EgressLog, proof_from
from ringfenced.egress.read import ProviderModel, connection_from, lockdown_from, offer_from, tells, weakness
from ringfenced.egress.status import translated
from ringfenced.egress.witness import Witness
from ringfenced.errors import (
    DeadlineExceeded,
    Internal,
    InvalidRequest,
    Overloaded,
    PermissionDenied,
    Refused,
    RingfenceError,
    Unavailable,
)
from ringfenced.model import (
    EntryProof,
    Finish,
    FinishReason,
    LockdownFacts,
    OperatorWord,
    RotatedKey,
    Sent,
    Terms,
    TextDelta,
    ToolCallDelta,
    Usage,
    Vectors,
)

if TYPE_CHECKING:
    from ringfenced.deidentify import Deidentified

_GRACE_MS: Final = 500
"""What the agent gets beyond the request's deadline, to write the outcome and say so."""
_WITNESS_EVERY_S: Final = 1.0
"""The agent signs at least one checkpoint a second while its log grows; this often one is asked for."""
_WITNESS_AGE_S_MAX: Final = 5.0
"""A send waits for a fresh look at the log if the last one is older than this."""
_CALL_S_MAX: Final = 5.0
"""How long anything but a send may take."""
_UINT32_MAX: Final = 2**32 - 1
_FINISH: Final = {types_pb2.FinishReason.Value(f"FINISH_REASON_{reason.name}"): reason for reason in FinishReason}


class AgentClient:
    """Sends through the agent. May be used by many tasks of one event loop."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        witness: Witness,
        permit_key: Ed25519PrivateKey,
        permit_key_id: str,
        *,
        key_exchange_groups: frozenset[str],
        message_bytes_max: int,
        unix_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
        entropy: Callable[[int], bytes],
        cosigning: Cosigning | None = None,
    ) -> None:
        """Make a client.

        Args:
            channel: mTLS channel to the agent; the caller closes it.
            witness: what the agent's checkpoints are compared with.
            permit_key: signs permits.
            permit_key_id: its name in the agent's configuration.
            key_exchange_groups: what a handshake with the agent may settle on.
            message_bytes_max: longest message that the channel sends, in bytes.
            unix_ms: wall clock in milliseconds, for permits.
            monotonic_s: monotonic clock in seconds.
            entropy: that many random bytes, for nonces.
            cosigning: cosigns what the witness keeps; None to cosign nothing.
        """
        self._stub = egress_pb2_grpc.EgressStub(channel)
        self.log = EgressLog(channel, witness)
        """The read side."""
        self._witness = witness
        self._permit_key = permit_key
        self._permit_key_id = permit_key_id
        self._key_exchange_groups = key_exchange_groups
        self._message_bytes_max = message_bytes_max
        self._unix_ms = unix_ms
        self._monotonic_s = monotonic_s
        self._entropy = entropy
        self._cosigning = cosigning
        self._witnessed_s = float("-inf")
        self.connection = ""
        """How the connection to the agent is secured, for people; empty before the agent told."""

    async def run(self) -> None:
        """Look at the log every second, for as long as the daemon lives; goes into its owner's TaskGroup.

        An agent that is away, and whatever else may go wrong, is no reason to stop: the log is then in doubt, and
        `send` looks again itself and says to whoever needs it what is wrong.
        """
        while True:
            try:
                await self._look()
                if self._cosigning is not None:
                    await self._cosigning.offer(self._witness.newest, self.log.add_cosignatures)
            except Exception:  # noqa: BLE001 - one way out must not end the daemon; a defect's text may hold content
                self._witnessed_s = float("-inf")
            await asyncio.sleep(_WITNESS_EVERY_S)

    async def offers(self) -> tuple[ProviderModel, ...]:
        """Every model that the agent may send to; none is available under lockdown or a condemned log."""
        with translated():
            call = self._stub.ListProviders(egress_pb2.ListProvidersRequest(), timeout=_CALL_S_MAX)
            response = await call
            self._demand_connection(connection_from(await call.initial_metadata()))
        trusted = not self._witness.condemned and not response.lockdown
        try:
            return tuple(offer_from(model, trusted=trusted) for model in response.models)
        except WireError as error:
            raise Unavailable(f"the agent lists a model that cannot be: {error}", reason="agent_failed") from None

    async def lockdown(self) -> LockdownFacts:
        """The emergency stop as it stands at the agent."""
        with translated():
            response = await self._stub.ReadLockdown(egress_pb2.ReadLockdownRequest(), timeout=_CALL_S_MAX)
        return lockdown_from(response.standing)

    async def apply_lockdown(
        self,
        *,
        on: bool,
        reason: str,
        by: str,
        word: OperatorWord = OperatorWord(),  # noqa: B008 - frozen
    ) -> LockdownFacts:
        """Order the agent to stop all egress, or to allow it again.

        Args:
            on: stop.
            reason: why; stands in the log.
            by: pseudonym of the operator.
            word: their own word, where the agent asks for it.

        Returns:
            What holds afterwards, durable, and whether the order waits for other operators.

        Raises:
            PermissionDenied: the agent does not take the operator's word.
        """
        request = egress_pb2.ApplyLockdownRequest(
            on=on,
            reason=reason,
            by_pseudonym=by,
            operator=word.operator,
            signature=word.signature,
            expires_at_unix_ms=word.expires_at_unix_ms,
        )
        with translated():
            try:
                response = await self._stub.ApplyLockdown(request, timeout=_CALL_S_MAX)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.ABORTED:
                    raise
                raise PermissionDenied(error.details() or "", reason="lift_unsigned") from None
        return lockdown_from(response.standing)

    async def rotate_key(self, provider: str, *, by: str) -> RotatedKey:
        """Have the agent read a provider's API key anew; on return it is used, and the log says so.

        Args:
            provider: its name.
            by: pseudonym of the operator.

        Raises:
            NotFound: the agent has no such provider.
            Unavailable: the agent is away, its log failed, or there is no key where one should lie.
        """
        request = egress_pb2.RotateKeyRequest(provider=provider, by_pseudonym=by)
        with translated():
            response = await self._stub.RotateKey(request, timeout=_CALL_S_MAX)
        return RotatedKey(response.fingerprint != response.fingerprint_before, response.fingerprint)

    async def send(
        self, payload: Deidentified, terms: Terms, deadline_ms: int
    ) -> AsyncGenerator[TextDelta | ToolCallDelta | Vectors | Sent, None]:
        """Ask the agent to send `payload`; its answer's deltas as they come, then what was sent, proven.

        Closing the generator cancels the call; the agent then still writes the outcome.

        Args:
            payload: what only `ringfenced.deidentify` can make.
            terms: what the permit says besides.
            deadline_ms: milliseconds that the request has left; 0 for no limit but the agent's own.

        Each error's `numbers` say whether anything may have ``left``: 0 until the agent said that the intent is
        durable, 1 from then on.

        Raises:
            Refused: the agent would not send it; nothing left.
            InvalidRequest: it is longer than the agent accepts.
            Overloaded: the agent has too much to do, or a quota of its own has no room.
            Unavailable: the agent or the provider is away or failed, or the log could not be proven.
            DeadlineExceeded: the time ran out.
            Internal: no permit can be made of `terms`.
        """
        left = 0
        try:
            request, signed = await self._request(payload, terms, deadline_ms)
            seconds_max = (request.deadline_ms + _GRACE_MS) / 1000 if request.deadline_ms else None
            with translated():
                async with reading(self._stub.Send(request, timeout=seconds_max)) as responses:
                    async for response in responses:
                        event = response.WhichOneof("event")
                        if event == "refused":
                            raise await self._refused(response.refused, terms, signed)
                        left = 1
                        match event:
                            case "text":
                                yield TextDelta(response.text.text, response.text.tokens)
                            case "tool_call":
                                piece = response.tool_call
                                yield ToolCallDelta(piece.index, piece.id, piece.name, piece.arguments_json)
                            case "embeddings":
                                yield Vectors(tuple(tuple(one.values) for one in response.embeddings.embeddings))
                            case "sent":
                                yield await self._sent(response.sent, signed)
                                return
                            case "failed":
                                raise await self._failed(response.failed, terms, signed)
                            case _:
                                continue
            raise Unavailable("the agent ended its answer without saying how", reason="agent_failed")
        except RingfenceError as error:
            error.numbers["left"] = left
            raise

    async def _look(self) -> None:
        """See that the log has only grown, and that the connection is as it should be."""
        await self.log.checkpoint()
        self._demand_connection(self.log.connection)
        self._witnessed_s = self._monotonic_s()

    def _demand_connection(self, connection: str) -> None:
        """Pass if the handshake with the agent settled on what is allowed."""
        self.connection = connection
        if lacking := weakness(connection, self._key_exchange_groups):
            self._witnessed_s = float("-inf")
            raise Unavailable(lacking, reason="agent_key_exchange")

    async def _request(
        self, payload: Deidentified, terms: Terms, deadline_ms: int
    ) -> tuple[egress_pb2.SendRequest, permit.Permit]:
        """What to ask the agent for, and its permit, once the log is known to be sound; nothing is sent."""
        if deadline_ms < 0:
            raise DeadlineExceeded("no time was left to ask a provider")
        if self._monotonic_s() - self._witnessed_s > _WITNESS_AGE_S_MAX:
            await self._look()
        self._witness.demand_trust()
        data = encode.payload(payload.prompt)
        try:
            statement = encode.statement(
                payload,
                terms,
                data,
                now_unix_ms=self._unix_ms(),
                nonce=self._entropy(permit.NONCE_BYTES),
                key_id=self._permit_key_id,
            )
            signed = permit.sign(statement, self._permit_key)
        except permit.PermitError as error:
            raise Internal(f"no permit can be made for this request: {error}") from None
        request = egress_pb2.SendRequest(
            permit=egress_pb2.Permit(statement=signed.statement, signature=signed.signature),
            payload=data,
            deadline_ms=min(deadline_ms, _UINT32_MAX),
        )
        if request.ByteSize() > self._message_bytes_max:
            raise InvalidRequest(
                f"the payload has {len(data)} bytes, and the agent accepts messages of {self._message_bytes_max}",
                reason="payload_too_long",
                numbers={"bytes": len(data), "bytes_max": self._message_bytes_max},
            )
        return request, signed

    async def _sent(self, message: egress_pb2.Sent, signed: permit.Permit) -> Sent:
        """A provider's answer, once both entries are proven and are about this permit."""
        proofs = (
            await self._proven(message.intent, signed, "intent"),
            await self._proven(message.outcome, signed, "outcome"),
        )
        usage = Usage(
            prompt_tokens=message.usage.prompt_tokens,
            completion_tokens=message.usage.completion_tokens,
            cached_tokens=message.usage.cached_tokens,
            time_to_first_token_us=message.usage.time_to_first_token_us,
            duration_us=message.usage.duration_us,
        )
        return Sent(Finish(_FINISH.get(message.reason, FinishReason.STOP), usage), proofs)

    async def _refused(self, message: egress_pb2.Refused, terms: Terms, signed: permit.Permit) -> RingfenceError:
        """The agent's refusal as the daemon's error, once its entry is proven: nothing left."""
        proof = await self._proven(message.entry, signed, "refusal", "withdrawal")
        if message.rules and all(rule.startswith("quota.") for rule in message.rules):
            return Overloaded(
                f"the agent has no room for this now: {message.message}",
                reason="agent_quota",
                model=f"{terms.provider}/{terms.model}",
                suggestions=tuple(message.rules),
                retry_after_ms=message.retry_after_ms if message.HasField("retry_after_ms") else None,
                proofs=(proof,),
            )
        return Refused(
            f"the agent refused to send this: {message.message}",
            reason="agent_refused",
            model=f"{terms.provider}/{terms.model}",
            numbers=dict(message.findings_by_type),
            suggestions=tuple(message.rules),
            proofs=(proof,),
        )

    async def _proven(self, message: types_pb2.EntryProof, signed: permit.Permit, *kinds: str) -> EntryProof:
        """An entry that the log holds, and that is one of `kinds` about this permit; not any other true entry."""
        proof = proof_from(message)
        await self.log.verify(proof)
        if tells(proof.entry, signed) not in kinds:
            raise Unavailable("the agent's entry tells of something else", reason="egress_unproven")
        return proof

    async def _failed(self, message: egress_pb2.ProviderFailed, terms: Terms, signed: permit.Permit) -> RingfenceError:
        """The provider's failure as the daemon's error; its entry is proven, for something may have left."""
        proof = await self._proven(message.entry, signed, "outcome")
        kind = DeadlineExceeded if message.reason == "deadline" else Unavailable
        return kind(
            message.message,
            reason="lockdown" if message.reason == "lockdown" else f"provider_{message.reason}",
            model=f"{terms.provider}/{terms.model}",
            numbers={"nothing_generated": int(message.nothing_generated)},
            retry_after_ms=message.retry_after_ms if message.HasField("retry_after_ms") else None,
            proofs=(proof,),
        )
