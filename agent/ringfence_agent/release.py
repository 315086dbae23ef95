"""One submission's way out, in this order every time.

    1. verify   the permit, and use it up, whatever comes of it
    2. judge    what it was signed for: parse, scan, the built-in floor, the agent's own policy; in a thread, because
                long payloads take long to scan, and a lockdown must not wait for them; then, with what left in the last
                minute, what the two say together
    3. reserve  room in the quotas of caller, department and provider
    4. refuse   a refusal is logged and proven like everything else; or
    5. intend   the intent is durable before a byte leaves
    6. keep     where there is a sealed archive, it holds the exact body before a byte leaves; else the intent is
                withdrawn (``archive``)
    7. look     that took a while: is egress still allowed, the permit still fresh? Else the intent is withdrawn
    8. send     the judged body
    9. tell     the outcome is logged however it ended; the daemon hanging up is an end too, and so is a stop

`Release` is the sentence; the gate is pure, and journal, quotas, providers and lockdown are the nouns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, NamedTuple

from ringfence_agent.archive import Archive, ArchiveError
from ringfence_agent.entry import Kind, Outcome, Value, digest, intent, outcome, refusal, salt
from ringfence_agent.gate import (
    Circumstances,
    Destination,
    Reason,
    Rules,
    Submission,
    Verdict,
    judge,
    still,
    together,
    verify,
)
from ringfence_agent.journal import REMEMBERED_MS, Journal, Proof
from ringfence_agent.lockdown import Lockdown, Stopped
from ringfence_agent.providers import Embeddings, Finish, Provider, ProviderError, Tally, TextDelta, ToolCallDelta
from ringfence_agent.quotas import Amount, Charge, Full, Quotas
from ringfence_agent.recent import Recent
from ringfence_agent.segments import LogError


@dataclass(frozen=True, slots=True)
class Admitted:
    """The intent is durable; bytes may leave from now on."""

    intent_index: int
    """Where it stands."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing left."""

    verdict: Verdict
    """Why."""
    entry: Proof
    """The refusal; or the outcome of an intent that was withdrawn before sending."""
    retry_after_ms: int | None = None
    """When a quota has room again; None where waiting does not help."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider failed after the intent."""

    error: ProviderError
    """How."""
    nothing_generated: bool
    """No piece of an answer came."""
    entry: Proof
    """The outcome."""


@dataclass(frozen=True, slots=True)
class Released:
    """The provider answered to the end."""

    finish: Finish
    """How it ended."""
    first_delta_us: int
    """From sending to the first piece, in microseconds."""
    duration_us: int
    """From sending to the end, in microseconds."""
    intent: Proof
    """What was about to leave."""
    outcome: Proof
    """What became of it."""


Event = Admitted | TextDelta | ToolCallDelta | Embeddings | Withheld | Failed | Released


class _End(NamedTuple):
    """How a send ended."""

    outcome: Outcome
    reason: str
    tally: Tally
    usage: Mapping[str, int] = MappingProxyType({})
    cost_microcredits: int | None = None
    """None counts the whole estimate."""


_STOPPED: Final = ProviderError("lockdown", "egress was stopped by an operator while this was on its way")
_WITHDRAWN: Final = _End(Outcome.CANCELLED, "before_sending", Tally(), cost_microcredits=0)


_UNBILLED: Final = frozenset({"unreachable", "rate_limited", "overloaded", "credentials", "rejected"})
"""Failures of a provider that never took the request: they cost nothing. After any other it may have worked for us."""


class Nonces:
    """The permits used, for as long as a permit could still be fresh. In memory; the log brings them back."""

    def __init__(self, recovered: Mapping[str, int]) -> None:
        """Begin with what the log says: digest of a nonce to the time of its entry, oldest first."""
        self._seen = dict(recovered)

    def used(self, nonce: bytes) -> bool:
        """Whether it was taken before."""
        return digest(nonce) in self._seen

    def take(self, nonce: bytes, now_unix_ms: int) -> None:
        """Never again; and forget those whose permits have long expired."""
        self._seen[digest(nonce)] = now_unix_ms
        while now_unix_ms - self._seen[oldest := next(iter(self._seen))] > REMEMBERED_MS:
            del self._seen[oldest]


class Release:
    """Sends what may leave. For many tasks of one event loop."""

    def __init__(
        self,
        journal: Journal,
        rules: Rules,
        providers: Mapping[str, Provider],
        lockdown: Lockdown,
        quotas: Quotas,
        *,
        archive: Archive,
        threads: Executor,
        steady_unix_ms: Callable[[], int],
        salt_key: bytes,
        provenance: Mapping[str, str],
    ) -> None:
        """Wire.

        Args:
            journal: the egress log, running.
            rules: what the gate judges by.
            providers: by name; one for every destination of `rules`.
            lockdown: whether egress is stopped.
            quotas: how much may leave; a fold of `journal`.
            archive: keeps the exact bytes before they leave, where one is configured.
            threads: where payloads are judged.
            steady_unix_ms: time for quotas, which no jump of the machine's clock moves.
            salt_key: 32 bytes that salt the commitments to what was sent.
            provenance: what every judgement rests on besides the submission: digests and versions.
        """
        self._journal = journal
        self._rules = rules
        self._providers = providers
        self._lockdown = lockdown
        self._quotas = quotas
        self._archive = archive
        self._threads = threads
        self._steady_unix_ms = steady_unix_ms
        self._salt_key = salt_key
        self._provenance = provenance
        self._nonces = Nonces(journal.recovered.nonces)
        self._recent = Recent()

    async def send(self, submission: Submission, seconds_max: float) -> AsyncGenerator[Event, None]:
        """One submission's way out, as events; the last is Withheld, Failed or Released.

        Args:
            submission: what the daemon asks for.
            seconds_max: how long the provider may take, from now.

        Raises:
            LogError: the log cannot be written; nothing left, or nothing more is said about what did.
        """
        verdict, full = await self._judge(submission)
        if verdict.reasons or verdict.destination is None or verdict.statement is None:
            said = {**refusal(submission.permit, submission.payload, verdict), **self._provenance}
            index = await self._journal.append(Kind.REFUSAL, said)
            yield Withheld(verdict, self._prove(index), full.retry_after_ms if full else None)
            return
        fields = {**intent(submission.permit, submission.payload, verdict, self._salt_key), **self._provenance}
        index = await self._intend(fields)
        reasons = await self._keep(index, fields, verdict.statement.nonce, verdict.body)
        reasons += still(verdict.statement, self._journal.now_unix_ms(), lockdown=self._lockdown.on)
        if reasons:
            told = await self._tell(index, fields, _WITHDRAWN)
            yield Withheld(replace(verdict, reasons=reasons, body=b""), self._prove(told))
            return
        async with aclosing(self._run(index, fields, verdict.destination, verdict.body, seconds_max)) as events:
            async for event in events:
                yield event

    async def _judge(self, submission: Submission) -> tuple[Verdict, Full | None]:
        """The verdict, and the quota that has no room. A permit that holds is used up, whatever the verdict says."""
        now_unix_ms = self._journal.now_unix_ms()
        verified = verify(submission, self._rules, Circumstances(now_unix_ms, self._nonces.used))
        statement = verified.statement
        if statement is not None:
            self._nonces.take(statement.nonce, now_unix_ms)
        if verified.reasons or statement is None:
            return verified, None
        loop = asyncio.get_running_loop()
        verdict = await loop.run_in_executor(self._threads, judge, statement, submission.payload, self._rules)
        reasons = verdict.reasons + still(statement, self._journal.now_unix_ms(), lockdown=self._lockdown.on)
        if reasons:
            return replace(verdict, reasons=reasons, body=b""), None
        now_ms = self._steady_unix_ms()
        if reasons := together(verdict, self._recent.together(statement.provider, verdict.ends, now_ms), self._rules):
            return replace(verdict, reasons=reasons, body=b""), None
        amount = Amount(1, len(verdict.body), verdict.cost_microcredits_max)
        names = (statement.caller_pseudonym, statement.department, statement.provider)
        full = self._quotas.reserve(digest(submission.permit.statement), Charge(names, amount, now_ms))
        if full is None:
            self._recent.keep(statement.provider, verdict.ends, now_ms)
            return verdict, None
        return replace(verdict, reasons=(_no_room(full),), body=b""), full

    async def _intend(self, fields: Mapping[str, Value]) -> int:
        """Make the intent durable; a daemon that hangs up meanwhile leaves an outcome, and nothing leaves."""
        permit = str(fields["permit_sha256"])
        try:
            durable = self._journal.submit(Kind.INTENT, fields)
        except LogError:
            self._quotas.release(permit)
            raise
        durable.add_done_callback(lambda _done: self._quotas.release(permit))
        try:
            return await asyncio.shield(durable)
        except asyncio.CancelledError:
            durable.add_done_callback(lambda done: self._withdraw(done, fields))
            raise

    async def _keep(self, index: int, fields: Mapping[str, Value], nonce: bytes, body: bytes) -> tuple[Reason, ...]:
        """Have the archive hold the body; why it must not leave, where it does not."""
        try:
            await self._archive.keep(index, salt(self._salt_key, nonce), body)
        except ArchiveError as error:
            return (Reason("archive", str(error)),)
        except asyncio.CancelledError:
            self._tell(index, fields, _WITHDRAWN)
            raise
        return ()

    def _withdraw(self, durable: asyncio.Future[int], fields: Mapping[str, Value]) -> None:
        """Close an intent that nobody waits for any more."""
        if not durable.cancelled() and durable.exception() is None:
            self._tell(durable.result(), fields, _WITHDRAWN)

    async def _run(
        self, index: int, fields: Mapping[str, Value], destination: Destination, body: bytes, seconds_max: float
    ) -> AsyncGenerator[Event, None]:
        """Send, and tell what became of it, however it ends: the outcome is in line before anything else happens."""
        clock = asyncio.get_running_loop().time
        tally, started_s, first_s = Tally(caller=str(fields.get("caller", ""))), clock(), 0.0
        finish: Finish | None = None
        failure = ProviderError("bad_answer", "the provider's answer ended early")
        try:
            yield Admitted(index)
            provider = self._providers[destination.provider]
            allowed_s = min(seconds_max, destination.seconds_max)
            async with aclosing(provider.send(destination.wire_model, body, tally, allowed_s)) as answer:
                while True:
                    async with self._lockdown.stoppable():
                        event = await anext(answer, None)
                    if event is None:
                        break
                    if isinstance(event, Finish):
                        finish = event
                        break
                    first_s = first_s or clock()
                    yield event
        except ProviderError as error:
            failure = error
        except Stopped:
            end = _End(Outcome.CANCELLED, "lockdown", tally, cost_microcredits=None if tally.bytes_out else 0)
            told = await self._tell(index, fields, end)
            yield Failed(_STOPPED, not first_s, self._journal.prove(told))
            return
        except (asyncio.CancelledError, GeneratorExit):
            self._tell(index, fields, _End(Outcome.CANCELLED, "hung_up", tally))
            raise
        except Exception:
            self._tell(index, fields, _End(Outcome.FAILED, "internal", tally))
            raise
        if finish is None:
            cost = 0 if not first_s and failure.reason in _UNBILLED else None
            told = await self._tell(index, fields, _End(Outcome.FAILED, failure.reason, tally, cost_microcredits=cost))
            yield Failed(failure, not first_s, self._prove(told))
            return
        usage = {"prompt_tokens": finish.prompt_tokens, "completion_tokens": finish.completion_tokens}
        told = await self._tell(
            index, fields, _End(Outcome.ANSWERED, finish.reason, tally, usage, _cost(destination, finish))
        )
        yield Released(
            finish=finish,
            first_delta_us=round(((first_s or clock()) - started_s) * 1e6),
            duration_us=round((clock() - started_s) * 1e6),
            intent=self._prove(index),
            outcome=self._prove(told),
        )

    def _prove(self, index: int) -> Proof:
        """An entry with its proof; LogError where the disk does not give it."""
        try:
            return self._journal.prove(index)
        except OSError as error:
            raise LogError(f"the log cannot be read: {error.strerror}; mend the disk") from None

    def _tell(self, index: int, fields: Mapping[str, Value], end: _End) -> asyncio.Future[int]:
        """Put the outcome in line."""
        said = outcome(
            index,
            fields,
            end.outcome,
            reason=end.reason,
            bytes_in=end.tally.bytes_in,
            usage=end.usage,
            attempts=end.tally.attempts,
            cost_microcredits=end.cost_microcredits,
        )
        return self._journal.submit(Kind.OUTCOME, said)


def _cost(destination: Destination, finish: Finish) -> int | None:
    """What an answer cost; None where the provider did not count, or the agent knows no price."""
    if destination.price is None or not finish.prompt_tokens:
        return None
    return destination.price.of(finish.prompt_tokens, finish.completion_tokens)


def _no_room(full: Full) -> Reason:
    """What is said of a quota without room."""
    quota = full.quota
    who = f"{quota.per} {quota.name}" if quota.name else f"each {quota.per}"
    limits = (
        (quota.requests_max, "requests"),
        (quota.bytes_max, "bytes"),
        (quota.cost_microcredits_max, "microcredits"),
    )
    what = ", ".join(f"{limit} {unit}" for limit, unit in limits if limit is not None)
    return Reason(f"quota.{quota.per}", f"the agent's quota for {who} is {what} in {quota.window_s} s, and is used up")
