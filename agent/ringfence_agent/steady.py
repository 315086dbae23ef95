"""Whether a clock can be believed: it keeps step with the machine's monotonic clock. Pure."""

from __future__ import annotations

from typing import Final

STEADY_S: Final = 3600.0
"""For so long two clocks must have kept step."""
SLACK_S: Final = 60.0
"""By so much they may drift apart meanwhile; NTP slews by less (500 ppm, RFC 5905: 1.8 s in an hour)."""


class Steady:
    """Two clocks, looked at from time to time."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._since: tuple[float, float] | None = None

    def observe(self, unix_ms: int, monotonic_s: float) -> bool:
        """Whether both have kept step for `STEADY_S`; a jump in either direction begins the time anew."""
        unix_s = unix_ms / 1000
        if self._since is None or abs((unix_s - self._since[0]) - (monotonic_s - self._since[1])) > SLACK_S:
            self._since = (unix_s, monotonic_s)
        return monotonic_s - self._since[1] >= STEADY_S
