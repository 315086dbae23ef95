"""When requests are meant to be sent, and where to look next for the highest rate. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable


def poisson(rate_hz: float, seconds: float, seed: int) -> list[float]:
    """Send times of an open loop in seconds from its start, ascending, all under `seconds`.

    Intervals are exponential, so requests come whether or not earlier ones were answered; the same seed gives the same
    times to every side.
    """
    if rate_hz <= 0:
        raise ValueError(f"a rate is positive, got {rate_hz}")
    draw = random.Random(seed).expovariate
    times: list[float] = []
    at = draw(rate_hz)
    while at < seconds:
        times.append(at)
        at += draw(rate_hz)
    return times


def highest(holds: Callable[[float], bool], ceiling: float, probes: int) -> float:
    """The highest rate found that holds, by halving between 0 and `ceiling`; 0 where none was.

    Args:
        holds: whether a rate keeps what is asked for; a probe that fails for another reason lowers the result.
        ceiling: no rate above it is tried; never 0.
        probes: how many are tried; the result is `ceiling` / 2**probes fine.
    """
    low, high = 0.0, ceiling
    for _ in range(probes):
        middle = (low + high) / 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
