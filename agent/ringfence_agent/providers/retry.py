"""A provider that is tried again where that helps and costs nothing twice, and left alone while it is down.

Tried again is what failed before anything was generated, for a reason that may pass: the provider limits, has too much
to do, or cannot be reached. Never again: a key or a request that it does not accept, an answer that is none. The wait
is drawn evenly from nothing to a bound that doubles (full jitter; Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015), and what the provider itself asks to wait is added whole.

A retry belongs to the one release that the permit allows: one intent before it, one outcome after, the same bytes to
the same place. Hedging, a second copy while the first is still awaited, is not built: it sends content twice for one
entry, and pays twice, to gain time that nobody's safety needs.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from ringfence_agent.payload import Payload
from ringfence_agent.providers import Piece, Provider, ProviderError, Tally
from ringfence_agent.providers.breaker import Breaker
from ringfence_agent.providers.rates import Rate, Spent, spent
from ringfence_agent.providers.translated import AllBusy

_MAY_PASS: Final = frozenset({"rate_limited", "overloaded", "unreachable"})
"""Reasons that another try may not find again."""
_IS_DOWN: Final = frozenset({"overloaded", "unreachable"})
"""Reasons that tell of the provider, once more than one caller met them: they trip the breaker."""
_IS_ALIVE: Final = frozenset({"rate_limited", "credentials", "rejected", "too_long"})
"""Reasons that a provider gives which is alive."""
_PATIENT_S: Final = 30.0
"""A provider that says nothing for so long is down; a caller in more of a hurry proves nothing."""
_WAIT_FIRST_S: Final = 0.5
"""The bound on the first wait; it doubles with each."""


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How often and after what wait."""

    attempts_max: int
    """Most tries, the first included."""
    wait_seconds_max: float
    """Longest wait; where the provider asks for more, it is not tried again."""


class Resilient:
    """A provider around another. For many tasks of one event loop."""

    def __init__(
        self,
        provider: Provider,
        settings: RetrySettings,
        breaker: Breaker,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """Wrap.

        Args:
            provider: the one that sends; this one owns it.
            settings: how often and after what wait.
            breaker: whether it is to be left alone.
            clock: monotonic seconds, the event loop's.
            random: draws evenly from 0 to 1.
        """
        self._provider = provider
        self._settings = settings
        self._breaker = breaker
        self._clock = clock
        self._random = random
        self._rates: dict[str, tuple[tuple[Rate, ...], float]] = {}
        """What the last answer of each model on the wire said of its rates, and when; as many as are configured."""

    @property
    def is_resting(self) -> bool:
        """Whether the provider is left alone now."""
        return self._breaker.wait_s(self._clock()) > 0

    def spent(self, wire_model: str) -> Spent | None:
        """What of a model's rate is spent now, as its last answer told; None where something may be sent."""
        rates, told_s = self._rates.get(wire_model, ((), 0.0))
        return spent(rates, (self._clock() - told_s) * 1000)

    def encode(self, payload: Payload, wire_model: str) -> bytes:
        """The exact body that says `payload`."""
        return self._provider.encode(payload, wire_model)

    async def send(self, wire_model: str, body: bytes, tally: Tally, seconds_max: float) -> AsyncGenerator[Piece, None]:
        """Send `body` and stream the answer; see `ringfence_agent.providers.Provider`. `tally` counts every try."""
        end_s = self._clock() + seconds_max
        while True:
            if rest_s := self._breaker.begin(self._clock()):
                raise ProviderError(
                    "overloaded", "the provider failed too often and is left alone for a while", round(rest_s * 1000)
                )
            tally.attempts += 1
            try:
                async with aclosing(self._try(wire_model, body, tally, end_s)) as answer:
                    async for event in answer:
                        yield event
            except _Passing as passing:
                wait_s = self._wait_s(passing.error, tally.attempts, end_s)
                if wait_s is None:
                    raise passing.error from None
                await asyncio.sleep(wait_s)
            else:
                return

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._provider.aclose()

    async def _try(self, wire_model: str, body: bytes, tally: Tally, end_s: float) -> AsyncGenerator[Piece, None]:
        """One try; tells the breaker of it. A failure that may pass, before anything was generated, is `_Passing`."""
        began_s, bytes_before, is_told = self._clock(), tally.bytes_out, False
        tally.rates = ()
        try:
            async with aclosing(self._provider.send(wire_model, body, tally, end_s - began_s)) as answer:
                async for event in answer:
                    if not is_told:
                        self._keep(wire_model, tally.rates)
                        self._breaker.answered()
                        is_told = True
                    yield event
        except ProviderError as error:
            if is_told:
                raise
            # What failed before a byte of the request was sent is nobody's doing.
            caller = tally.caller if tally.bytes_out > bytes_before else None
            is_told = self._tell(error, self._clock() - began_s, caller)
            self._keep(wire_model, tally.rates)
            if error.reason in _MAY_PASS:
                raise _Passing(error) from None
            raise
        finally:
            if not is_told:
                self._breaker.unknown(self._clock())

    def _keep(self, wire_model: str, rates: tuple[Rate, ...]) -> None:
        """Keep what an answer said of its rates; one that says nothing leaves what was said before."""
        if rates:
            self._rates[wire_model] = (rates, self._clock())

    def _tell(self, error: ProviderError, took_s: float, caller: str | None) -> bool:
        """Tell the breaker of a failure; False where it says nothing of the provider."""
        if isinstance(error, AllBusy):
            return False
        if error.reason in _IS_ALIVE:
            self._breaker.answered()
        elif error.reason in _IS_DOWN or (error.reason == "deadline" and took_s >= _PATIENT_S):
            self._breaker.failed(self._clock(), caller)
        else:
            return False
        return True

    def _wait_s(self, error: ProviderError, attempts: int, end_s: float) -> float | None:
        """How long to wait before the next try, in seconds; None for no further one."""
        if attempts >= self._settings.attempts_max or self.is_resting:
            return None
        wait_s = wait_seconds(error.retry_after_ms, attempts, self._random(), self._settings.wait_seconds_max)
        return wait_s if wait_s is not None and self._clock() + wait_s < end_s else None


class _Passing(Exception):
    """A failure that may pass, of a try that generated nothing."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__()
        self.error = error


def wait_seconds(retry_after_ms: int | None, attempts: int, drawn: float, seconds_max: float) -> float | None:
    """The wait before another try; None where the provider asks for a longer one than allowed.

    Args:
        retry_after_ms: what the provider asks to wait; None where it says nothing.
        attempts: how often it was tried.
        drawn: evenly from 0 to 1.
        seconds_max: the longest wait allowed.
    """
    asked_s = (retry_after_ms or 0) / 1000
    if asked_s > seconds_max:
        return None
    return min(seconds_max, asked_s + math.ldexp(drawn * _WAIT_FIRST_S, attempts - 1))
