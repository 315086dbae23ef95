"""Holds a transfer to a rate."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure

_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)(?:i?B)?(?:/s)?")
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def read_rate(text: str) -> float | None:
    """Bytes a second, of ``20M`` and its like; None of an empty text.

    Raises:
        Failure: it is no rate.
    """
    if not text:
        return None
    match = _RATE.fullmatch(text.strip())
    rate = float(match[1]) * _UNITS[match[2].lower()] if match else 0.0
    if rate < 1:
        raise Failure("--limit-rate takes bytes a second, for example 20M or 500k", code=ExitCode.USAGE)
    return rate


class Pace:
    """Waits as long as the bytes so far are ahead of the rate. For one thread."""

    def __init__(self, bytes_per_s: float | None, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Begin now.

        Args:
            bytes_per_s: the rate; None for none.
            clock: seconds that only grow.
            sleep: waits so many seconds.
        """
        self._rate = bytes_per_s
        self._clock = clock
        self._sleep = sleep
        self._since_s = clock()
        self._bytes = 0

    def passed(self, count: int) -> None:
        """So many further bytes have come; returns when the next may."""
        if self._rate is None:
            return
        self._bytes += count
        ahead_s = self._bytes / self._rate - (self._clock() - self._since_s)
        if ahead_s > 0:
            self._sleep(ahead_s)
        elif ahead_s < -1:  # time that was not used is not saved up
            self._since_s, self._bytes = self._clock(), 0
