"""How long to wait before something is tried again. Pure: chance is an argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.5
LAST_S: Final = 30.0


def wait_s(tries: int, chance: Callable[[], float]) -> float:
    """Seconds before the next try.

    Doubles from half a second to half a minute, and is then drawn from its upper half, so that several that lost the
    same server do not come back at once ("equal jitter", AWS Architecture Blog, Exponential Backoff And Jitter).

    Args:
        tries: how many have failed, from 1.
        chance: a number from 0 to 1.
    """
    most = min(LAST_S, FIRST_S * 2.0 ** min(tries - 1, 16))
    return most * (0.5 + 0.5 * chance())
