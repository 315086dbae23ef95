"""The emergency stop: operators' orders, the files that outlive a restart, and what is on its way when it comes.

A stop holds in memory first and is written down then; a lift is logged first, written down then, and holds last. It
lifts the stop that was known when it was ordered: a file that somebody put there meanwhile goes on stopping. What runs
inside `stoppable` ends when a stop comes, wherever it waits: for a connection, for another try, for the next
piece of an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.lift import Lift, verify
from ringfence_agent.entry import Value
from ringfence_agent.lockdown_file import BY_HAND, REASON_CHARS_MAX, LockdownFile
from ringfence_agent.lockdown_orders import Operators, Order, Standing, after, at, missing
from ringfence_agent.segments import LogError

WATCH_EVERY_S: Final = 0.2
"""How often the folder is looked at for a file that somebody put there."""
_BY_CHARS_MAX: Final = 256

Append = Callable[[Mapping[str, Value]], Awaitable[object]]
"""Makes an entry of the log durable; raises LogError."""


class Stopped(Exception):
    """Egress was stopped while something was on its way."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose signatures lift a stop."""

    origin: str
    """Name of the log, which a signature names."""
    keys: Mapping[str, Ed25519PublicKey]
    """By operator; none where none is asked for."""


@dataclass(frozen=True, slots=True)
class Word:
    """An operator's own word for a lift, as it came."""

    operator: str = ""
    """Their name in the configuration."""
    signature: bytes = b""
    """By their key, over a `Lift`."""
    expires_at_unix_ms: int = 0
    """Until when it may be used."""


class Lockdown:
    """Whether egress is stopped, and who said so. For many tasks of one event loop."""

    def __init__(
        self,
        file: LockdownFile,
        operators: Operators,
        append: Append,
        now_unix_ms: Callable[[], int],
        signers: Signers,
    ) -> None:
        """Begin with what the files say.

        Args:
            file: the files in the log's folder.
            operators: how many must agree.
            append: logs an order.
            now_unix_ms: a clock that does not go back.
            signers: whose signatures lift a stop.
        """
        self.signers = signers
        """Whose signatures lift a stop."""
        self._file = file
        self._operators = operators
        self._append = append
        self._now_unix_ms = now_unix_ms
        self._standing = file.load()
        self._on = self._standing.on
        self._stops = 0
        self._running: set[asyncio.Timeout] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def on(self) -> bool:
        """Whether nothing may leave."""
        return self._on

    @property
    def standing(self) -> Standing:
        """What holds, and what waits."""
        return at(self._standing, self._now_unix_ms())

    @property
    def missing(self) -> int:
        """How many operators the order that waits still needs."""
        return missing(self.standing, self._operators)

    async def order(self, *, on: bool, reason: str, by: str, word: Word = Word()) -> Standing:
        """Take an operator's order; what holds afterwards is durable, and the log says so.

        Args:
            on: stop; else allow again.
            reason: why; stands in the file and in the log.
            by: pseudonym of the operator, by the daemon's word.
            word: the operator's own, for a lift, where there are signers; their name then counts instead of `by`.

        Raises:
            LiftError: the word does not count; nothing has changed.
            OSError: the disk fails; a stop holds all the same, a lift does not.
            LogError: the log fails; likewise.
        """
        stops = self._stops
        order = Order(on, reason[:REASON_CHARS_MAX], by[:_BY_CHARS_MAX], self._now_unix_ms())
        holds = on and after(self._standing, order, self._operators).on
        if holds:
            self._stop()
        async with self._one_at_a_time:
            if self.signers.keys and not on:
                order = replace(order, by=self._signed_by(word))
            standing = after(self._standing, order, self._operators)
            if holds and not standing.on:  # what stood when it was ordered was lifted meanwhile; it was told to hold
                standing = Standing(on=True, reason=order.reason, since_unix_ms=order.unix_ms, by=(order.by,))
            if self._standing.on and not standing.on:
                await self._lift(standing, self._entry(order, standing), stops)
            else:
                self._standing = standing
                await asyncio.to_thread(self._file.save, standing)
                await self._append(self._entry(order, standing))
        return self.standing

    async def run(self) -> None:
        """Watch the folder, for as long as the agent lives; goes into its owner's TaskGroup."""
        while True:
            if not self._on and self._file.present():
                self._stop()
                await self._found()
            elif self._file.is_new():
                await self._found()
            await asyncio.sleep(WATCH_EVERY_S)

    @asynccontextmanager
    async def stoppable(self) -> AsyncGenerator[None]:
        """End what is inside as soon as egress is stopped.

        Raises:
            Stopped: it was, or is already.
        """
        if self._on:
            raise Stopped
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._running.add(scope)
                try:
                    yield
                finally:
                    self._running.discard(scope)
        except TimeoutError:
            if scope.expired():
                raise Stopped from None
            raise

    def _stop(self) -> None:
        """From now on nothing leaves, and what is on its way ends; nothing is written down yet."""
        self._on = True
        self._stops += 1
        running, self._running = self._running, set()
        for scope in running:
            scope.reschedule(0.0)

    async def _lift(self, standing: Standing, fields: Mapping[str, Value], stops: int) -> None:
        """Allow egress again, unless a stop came since the order; `stops` is how many there were before it."""
        await self._append(fields)
        if not await asyncio.to_thread(self._file.lift):
            await self._take()
            return
        self._standing = standing
        # A stop that came meanwhile waits to be written down; it holds already.
        if stops == self._stops:
            self._on = False

    def _signed_by(self, word: Word) -> str:
        """Whose word for lifting what holds now."""
        since_unix_ms = self._standing.since_unix_ms
        lift = Lift(self.signers.origin, since_unix_ms, word.operator, word.expires_at_unix_ms)
        verify(lift, word.signature, self.signers.keys, self._now_unix_ms())
        return word.operator

    async def _found(self) -> None:
        """See what somebody put there, once whatever is being written is written."""
        async with self._one_at_a_time:
            if not self._standing.on or self._file.is_new():
                await self._take()

    async def _take(self) -> None:
        """Take over a stop that somebody put there, and log it. One that is gone again stopped all the same."""
        found = await asyncio.to_thread(self._file.load)
        now_unix_ms = self._now_unix_ms()
        gone = Standing(on=True, reason=BY_HAND, since_unix_ms=now_unix_ms)
        # It is a stop of its own: no order that waits, and no word that was signed, was about it.
        fresh = replace(found, waiting=None, since_unix_ms=max(found.since_unix_ms, now_unix_ms))
        taken = fresh if found.on else gone
        with suppress(OSError):  # the disk fails: what waits is forgotten here all the same
            await asyncio.to_thread(self._file.save, taken)
        self._standing = taken
        # Where the log fails too, its own failure is told, and keeps egress stopped besides.
        with suppress(LogError):
            await self._append({"on": 1, "why": self._standing.reason, "caller": "", "confirmed": []})

    def _entry(self, order: Order, standing: Standing) -> dict[str, Value]:
        """What the log says of an order: who confirmed what holds, or how many are missing."""
        said: dict[str, Value] = {"on": int(order.on), "why": order.reason, "caller": order.by}
        if waits := missing(standing, self._operators):
            return said | {"missing": waits}
        return said | {"confirmed": list(standing.by)}
