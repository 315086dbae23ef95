"""The wall clock, for those who are given one."""

from __future__ import annotations

import time


def unix_ms() -> int:
    """Milliseconds of Unix time."""
    return time.time_ns() // 1_000_000


def unix_s() -> int:
    """Whole seconds of Unix time."""
    return int(time.time())
