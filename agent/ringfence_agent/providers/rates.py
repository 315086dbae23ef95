"""How much of its rate a provider says is left, from the headers of its answers. Pure; numbers only, no content.

    OpenAI, Azure   x-ratelimit-{limit,remaining,reset}-{requests,tokens}; a reset is a duration, ``1m30.5s``
    Anthropic       anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}; a reset is
                    a time, RFC 3339, held against the answer's own ``Date``, so that no clock of ours counts

Sources: OpenAI's guide "Rate limits", section "Rate limits in headers"; Anthropic's API reference, "Rate limits",
section "Response headers". Both say that the reset is when the rate is *fully* back, and fill it up all the while. So a
rate that is spent is left alone until a part of it is back (`BACK`), not the whole of it. What is said holds until its
reset; after that it says nothing.

``Retry-After`` is not read here: a provider may send it for one request that is too large, and it is the daemon's to
keep that from the others (its breakers are a tenant's).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from ringfence_agent.providers.failures import HINT_MS_MAX

BACK: Final = 0.05
"""What part of a limit has to be back before a spent rate is used again. Our choice: a site that asks at its limit is
turned away for a twentieth of the window, rather than at every other request."""
LOW: Final = 0.01
"""Tokens are spent once no more than this part of their limit is left. Our choice: it fits hardly a prompt."""
_NUMBER_CHARS_MAX: Final = 12
_UNITS_MS: Final = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION: Final = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|[hms]))+")
_STEP: Final = re.compile(r"([0-9.]+)(ms|[hms])")
_PLAIN: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_HEADER_CHARS_MAX: Final = 64
"""Longer values are not read."""


class Spent(NamedTuple):
    """Nothing more should be sent for now."""

    of: str
    """What is spent: ``requests``, ``tokens``, or ``quota``, the agent's own."""
    ms: int
    """For how long, in milliseconds; more than 0."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one answer says of one rate."""

    of: str
    """``requests`` or ``tokens``."""
    remaining: int
    """What was left."""
    limit: int | None
    """What there is at most; None where the provider did not say."""
    reset_ms: int
    """Until all of it is back, from when the answer began."""

    def spent_ms(self, age_ms: float) -> int:
        """For how long it is spent, so long after the answer began; 0 where it is not, or nobody knows."""
        floor = int((self.limit or 0) * LOW) if self.of == "tokens" else 0
        if self.remaining > floor:
            return 0
        wait_ms = float(self.reset_ms)
        if self.limit is not None and self.limit > self.remaining:
            wait_ms *= min(1.0, max(1.0, self.limit * BACK) / (self.limit - self.remaining))
        return max(0, round(wait_ms - age_ms))


def rates_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[Rate, ...]:
    """Every rate that an answer's headers tell of; what cannot be read is left out."""
    told = {
        name.decode("latin-1").lower(): value.decode("latin-1").strip()
        for name, value in headers
        if len(value) <= _HEADER_CHARS_MAX
    }
    return tuple(_rates(told))


def spent(rates: Iterable[Rate], age_ms: float) -> Spent | None:
    """What is spent for longest; None for nothing.

    Args:
        rates: what an answer said.
        age_ms: how long ago it began.
    """
    longest = max(((one.spent_ms(age_ms), one.of) for one in rates), default=(0, ""))
    return Spent(longest[1], longest[0]) if longest[0] > 0 else None


def _rates(told: dict[str, str]) -> Iterator[Rate]:
    for of in ("requests", "tokens"):
        yield from _rate(told, of, f"x-ratelimit-{{}}-{of}")
    for of in ("requests", "tokens", "input-tokens", "output-tokens"):
        yield from _rate(told, of.rpartition("-")[2], f"anthropic-ratelimit-{of}-{{}}")


def _rate(told: dict[str, str], of: str, name: str) -> Iterator[Rate]:
    """The rate under a pattern of names, where the headers tell of it."""
    remaining = _whole(told.get(name.format("remaining"), ""))
    reset_ms = _until_ms(told.get(name.format("reset"), ""), told.get("date", ""))
    if remaining is not None and reset_ms is not None:
        yield Rate(of, remaining, _whole(told.get(name.format("limit"), "")) or None, min(reset_ms, HINT_MS_MAX))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _NUMBER_CHARS_MAX else None


def _until_ms(text: str, date: str) -> int | None:
    """A duration, seconds without a unit (Azure), or a time held against the answer's date."""
    if _PLAIN.fullmatch(text):
        return round(float(text) * 1000)
    if _DURATION.fullmatch(text):
        try:
            return round(sum(float(number) * _UNITS_MS[unit] for number, unit in _STEP.findall(text)))
        except ValueError:
            return None
    try:
        left = datetime.fromisoformat(text) - parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0, round(left.total_seconds() * 1000))
