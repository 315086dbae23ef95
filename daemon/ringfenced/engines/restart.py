"""Whether and when an engine that died is started again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WINDOW_S = 60.0
"""Deaths that are older than this are forgiven."""

DEATHS_MAX = 5
"""Deaths within the window after which the model is quarantined."""

DELAY_FIRST_S = 0.2
"""Wait after the second death; it doubles with each further one. The first restart is at once."""

DELAY_MAX_S = 30.0
"""Longest wait."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Start it again."""

    delay_s: float
    """After this many seconds."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Leave it until an operator loads it again."""

    deaths: int
    """How often it died within the window."""


def decide_restart(deaths_s: Sequence[float], now_s: float) -> Restart | Quarantine:
    """Decide what follows an engine's death.

    Args:
        deaths_s: times of its deaths on a monotonic clock, in seconds, in order, the newest included.
        now_s: the same clock now.
    """
    recent = sum(1 for death_s in deaths_s if now_s - death_s < WINDOW_S)
    if recent >= DEATHS_MAX:
        return Quarantine(recent)
    if recent <= 1:
        return Restart(0.0)
    return Restart(min(DELAY_MAX_S, DELAY_FIRST_S * 2 ** (recent - 2)))
