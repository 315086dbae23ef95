"""The machine's clock, beside the times in the egress log. Pure.

Permits hold for seconds, and the log's times never go back: an agent whose clock was once ahead refuses everything
until the clock has caught up. A log tells the agent's time when it last wrote, so that a clock behind is seen, and one
ahead is not before it wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.permit import SKEW_MS
from ringfenced.cli.doctoring.finding import Finding, error, ok, unseen, warning

_TIME_MS_MAX: Final = 2**63 - 1
"""A larger number is no time: it fits no int64, and no float that arithmetic makes of it."""


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """Times."""

    now_unix_ms: int
    """This machine's."""
    is_synchronised: bool | None
    """What the kernel says of it (adjtimex(2)); None where it does not say."""
    log_unix_ms: int | None = None
    """The time of the newest entry of the egress log; None where it was not seen."""


def time_ms(said: object) -> int | None:
    """A time as an entry of the log states it, in milliseconds since 1970; None where it states none.

    Args:
        said: what stands there: whoever took the agent over may write anything.
    """
    return said if isinstance(said, int) and 0 <= said <= _TIME_MS_MAX else None


def judge(facts: ClockFacts) -> tuple[Finding, ...]:
    """Whether the clock is kept right, and agrees with the log as nearly as permits need (`ringfence.permit`)."""
    return (_kept(facts.is_synchronised), *_beside(facts))


def _kept(is_synchronised: bool | None) -> Finding:
    if is_synchronised is None:
        return unseen("clock", "the kernel does not say whether it is synchronised", "ask the time service itself")
    if is_synchronised:
        return ok("clock", "synchronised")
    advice = "let systemd-timesyncd, chrony or ntpd keep it, from a source inside the site; see `timedatectl`"
    return warning("clock", "nothing keeps it right", advice)


def _beside(facts: ClockFacts) -> tuple[Finding, ...]:
    if facts.log_unix_ms is None:
        return ()
    ahead_ms = facts.log_unix_ms - facts.now_unix_ms
    if ahead_ms <= SKEW_MS:
        return (ok("clock and log", f"the newest entry is {max(0, -ahead_ms) / 1000:,.0f} s old"),)
    told = f"the newest entry is {ahead_ms / 1000:,.0f} s ahead of this clock"
    advice = "set the clocks of both hosts; nothing leaves until time has caught up (docs/egress-log.md, Clocks)"
    return (error("clock and log", told, advice),)
