"""The emergency stop as operators' orders make it, pure: what holds, what waits for a second operator, what comes next.

    allowed ── enough operators order a stop ──▶ stopped ── enough operators order the opposite ──▶ allowed

An order that too few have given waits, and changes nothing until another operator gives the same. The same operator's
repetition adds nothing; an order for what holds already takes back the one that waits; so does time. Stopping never
takes more operators than lifting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Operators:
    """How many must agree."""

    to_stop: int
    """To stop egress; at most as many as `to_lift`."""
    to_lift: int
    """To allow it again."""
    confirm_ms_max: int
    """How long an order waits for the others, in milliseconds."""

    def needed(self, *, on: bool) -> int:
        """For one kind of order."""
        return self.to_stop if on else self.to_lift


@dataclass(frozen=True, slots=True)
class Order:
    """What one operator asks for."""

    on: bool
    """Stop."""
    reason: str
    """Why; for people."""
    by: str
    """The operator's pseudonym."""
    unix_ms: int
    """When."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that too few have given so far."""

    on: bool
    """Stop."""
    reason: str
    """Why, in the words of the first."""
    by: tuple[str, ...]
    """Who gave it; pseudonyms, each once."""
    until_unix_ms: int
    """When it is forgotten."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds."""

    on: bool = False
    """Nothing leaves."""
    reason: str = ""
    """Why; empty while egress is allowed."""
    since_unix_ms: int = 0
    """Since when; 0 while egress is allowed and nobody ever stopped it."""
    by: tuple[str, ...] = ()
    """Who ordered it; pseudonyms."""
    waiting: Waiting | None = None
    """What was ordered besides."""


def after(standing: Standing, order: Order, operators: Operators) -> Standing:
    """What holds after an order."""
    standing = at(standing, order.unix_ms)
    if order.on == standing.on:
        return replace(standing, waiting=None)
    waiting = standing.waiting or Waiting(order.on, order.reason, (), order.unix_ms + operators.confirm_ms_max)
    by = waiting.by if order.by in waiting.by else (*waiting.by, order.by)
    if len(by) < operators.needed(on=order.on):
        return replace(standing, waiting=replace(waiting, by=by))
    return Standing(order.on, waiting.reason if order.on else "", order.unix_ms, by)


def at(standing: Standing, unix_ms: int) -> Standing:
    """What holds at a time: an order that waited too long is forgotten."""
    if standing.waiting and unix_ms >= standing.waiting.until_unix_ms:
        return replace(standing, waiting=None)
    return standing


def missing(standing: Standing, operators: Operators) -> int:
    """How many operators the order that waits still needs; 0 when none waits."""
    waiting = standing.waiting
    return operators.needed(on=waiting.on) - len(waiting.by) if waiting else 0
