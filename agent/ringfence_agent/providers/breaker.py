"""A circuit breaker: a provider that is down is left alone for a while, and then tried by one request.

    closed ──tripped──▶ open ──rested──▶ half-open ──answered──▶ closed
                          ▲                  │
                          └──────failed──────┘

Pure but for the memory of where it stands; time is an argument. What a caller brings about itself (a request that the
provider rejects) shows that the provider is alive, and never trips it. Where a request may have brought a failure
about, two callers must have met one: the daemon keeps the requests of a caller that is alone with it away by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    """Requests go on."""
    OPEN = "open"
    """None does."""
    HALF_OPEN = "half_open"
    """One does, to see."""


class Happening(StrEnum):
    """What moves it."""

    TRIPPED = "tripped"
    """One failure too many in a row."""
    RESTED = "rested"
    """It was open for long enough."""
    ANSWERED = "answered"
    """The provider is alive."""
    FAILED = "failed"
    """The provider failed."""


TRANSITIONS: Final[Mapping[tuple[State, Happening], State]] = MappingProxyType(
    {
        (State.CLOSED, Happening.TRIPPED): State.OPEN,
        (State.OPEN, Happening.RESTED): State.HALF_OPEN,
        (State.HALF_OPEN, Happening.ANSWERED): State.CLOSED,
        (State.HALF_OPEN, Happening.FAILED): State.OPEN,
    }
)
"""All moves; whatever else happens leaves it where it stands."""


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When it trips, and for how long."""

    failures_max: int
    """So many failures in a row trip it."""
    open_seconds: float
    """How long it stays open; and how long a trial may stay without an answer before another may go."""


CALLERS_MIN: Final = 2
"""So many callers must have met failures that a request may bring about."""


class Breaker:
    """One provider's breaker. For one event loop."""

    def __init__(self, settings: BreakerSettings) -> None:
        """Begin closed."""
        self._settings = settings
        self._state = State.CLOSED
        self._failures = 0
        self._callers: set[str] = set()
        self._until_s = 0.0

    @property
    def state(self) -> State:
        """Where it stands; open also when its rest is over and nobody has tried yet."""
        return self._state

    def wait_s(self, now_s: float) -> float:
        """How long to leave the provider alone, in seconds; 0 where a request may go."""
        return 0.0 if self._state is State.CLOSED else max(0.0, self._until_s - now_s)

    def begin(self, now_s: float) -> float:
        """Let a request go, or say how long to wait, in seconds; the first after a rest is the trial."""
        if self._state is State.CLOSED:
            return 0.0
        if wait_s := self.wait_s(now_s):
            return wait_s
        self._move(Happening.RESTED)
        self._until_s = now_s + self._settings.open_seconds
        return 0.0

    def answered(self) -> None:
        """The provider is alive: it answered, if only to say no."""
        self._forget()
        self._move(Happening.ANSWERED)

    def failed(self, now_s: float, caller: str | None = None) -> None:
        """The provider failed; what fails late, of requests that began before it tripped, changes nothing.

        Args:
            now_s: monotonic seconds.
            caller: who met it, where a request may have brought it about; None where none can have.
        """
        if self._state is State.OPEN:
            return
        self._failures += 1
        if caller is not None and len(self._callers) < CALLERS_MIN:
            self._callers.add(caller)
            if len(self._callers) < CALLERS_MIN:
                self.unknown(now_s)
                return
        has_tripped = self._failures >= self._settings.failures_max and self._move(Happening.TRIPPED)
        if has_tripped or self._move(Happening.FAILED):
            self._forget()
            self._until_s = now_s + self._settings.open_seconds

    def unknown(self, now_s: float) -> None:
        """A request ended without telling anything of the provider; if it was the trial, another may go at once."""
        if self._state is State.HALF_OPEN:
            self._until_s = now_s

    def _forget(self) -> None:
        self._failures = 0
        self._callers.clear()

    def _move(self, happening: Happening) -> bool:
        """Go where the table says; whether it says anything."""
        before, self._state = self._state, TRANSITIONS.get((self._state, happening), self._state)
        return before is not self._state
