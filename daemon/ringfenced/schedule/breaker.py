"""A circuit breaker: what fails again and again is left alone for a while, and then tried by one request.

    closed ──tripped──▶ open ──tried──▶ half-open ──answered──▶ closed
                          ▲                 │
                          └─────failed──────┘

Pure: a breaker is a value, time and chance are arguments. How long it stays open doubles with each time that it opens
again, and a drawn part of it is spared, so that many that failed at once do not come back at once (equal jitter;
Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). The pattern is Nygard's ("Release It!", 2007).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

TRIAL_S: Final = 30.0
"""How long the one request of a half-open breaker may stay without an answer before another may go, in seconds."""


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
    TRIED = "tried"
    """It was open for long enough, and a request goes."""
    ANSWERED = "answered"
    """There was an answer."""
    FAILED = "failed"
    """There was none."""


TRANSITIONS: Final[Mapping[tuple[State, Happening], State]] = MappingProxyType(
    {
        (State.CLOSED, Happening.TRIPPED): State.OPEN,
        (State.OPEN, Happening.TRIED): State.HALF_OPEN,
        (State.HALF_OPEN, Happening.ANSWERED): State.CLOSED,
        (State.HALF_OPEN, Happening.FAILED): State.OPEN,
    }
)
"""All moves; whatever else happens leaves it where it stands."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a breaker trips, and for how long."""

    failures_max: int
    """So many failures in a row trip it."""
    rest_s: float
    """How long it stays open the first time, in seconds; it doubles with each further time."""
    rest_s_max: float
    """How long it stays open at most, in seconds, unless whoever failed asks for more."""
    callers_min: int = 1
    """So many callers must have had those failures: more than one where others are kept away too, since a request
    itself may be at fault. A trial that fails then counts once as many callers have failed at theirs."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """A breaker."""

    state: State = State.CLOSED
    """Where it stands."""
    failures: int = 0
    """Failures in a row, while it is closed."""
    callers: frozenset[str] = frozenset()
    """Who had them, since it was last closed or opened; no more than a rule may ask for."""
    rests: int = 0
    """How often it opened since it was last closed."""
    until_s: float = 0.0
    """Open: until when. Half-open: when another request may try. Monotonic seconds."""


NEW: Final = Breaker()
"""The breaker of what has not failed."""
_CALLERS_MAX: Final = 2
_RESTS_MAX: Final = 30


def wait_s(breaker: Breaker, now_s: float) -> float:
    """How long to leave alone what it guards, in seconds; 0 where a request may go."""
    return 0.0 if breaker.state is State.CLOSED else max(0.0, breaker.until_s - now_s)


def tried(breaker: Breaker, now_s: float) -> Breaker:
    """After a request went: the first after a rest is the trial. Whoever asks has seen that `wait_s` is 0."""
    if breaker.state is State.CLOSED:
        return breaker
    return replace(breaker, state=State.HALF_OPEN, until_s=now_s + TRIAL_S)


def answered(breaker: Breaker) -> Breaker:
    """After an answer; one that comes while it is open is of a request that went before, and says nothing of now."""
    return breaker if TRANSITIONS.get((breaker.state, Happening.ANSWERED), breaker.state) is State.OPEN else NEW


def failed(
    breaker: Breaker, rule: Rule, *, caller: str, now_s: float, drawn: float, asked_s: float | None = None
) -> Breaker:
    """After a failure.

    Args:
        breaker: as it stood.
        rule: when it trips.
        caller: who had it.
        now_s: monotonic seconds.
        drawn: evenly from 0 to 1.
        asked_s: how long whoever failed asks to be left alone, in seconds; None where it says nothing.
    """
    if breaker.state is State.OPEN:  # of a request that went before; what it was told holds all the same
        return replace(breaker, until_s=max(breaker.until_s, now_s + asked_s)) if asked_s else breaker
    callers = breaker.callers if len(breaker.callers) >= _CALLERS_MAX else breaker.callers | {caller}
    breaker = replace(breaker, failures=breaker.failures + 1, callers=callers)
    if len(callers) < rule.callers_min:  # it may be the one caller's own trouble: another may go and see
        return untold(breaker, now_s)
    is_enough = breaker.state is State.CLOSED and breaker.failures >= rule.failures_max
    happening = Happening.TRIPPED if is_enough else Happening.FAILED
    state = TRANSITIONS.get((breaker.state, happening), breaker.state)
    if state is not State.OPEN:
        return breaker
    rest_s = min(rule.rest_s_max, math.ldexp(rule.rest_s, min(breaker.rests, _RESTS_MAX))) * (0.5 + 0.5 * drawn)
    return Breaker(State.OPEN, rests=breaker.rests + 1, until_s=now_s + max(rest_s, asked_s or 0.0))


def untold(breaker: Breaker, now_s: float) -> Breaker:
    """After a request that ended without telling anything; if it was the trial, another may go at once."""
    return replace(breaker, until_s=now_s) if breaker.state is State.HALF_OPEN else breaker
