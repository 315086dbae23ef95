"""What a sample costs, and which calls of the driver it is spent in."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from ringfenced.devices.ask import Ask
from ringfenced.devices.nvml import GpuReader


def samples_us(reader: GpuReader, times: int) -> list[float]:
    """What each of so many samples takes, in microseconds, in order."""
    taken = []
    for _ in range(times):
        began_s = time.perf_counter()
        reader.sample()
        taken.append((time.perf_counter() - began_s) * 1e6)
    return sorted(taken)


@contextmanager
def timed_calls() -> Iterator[dict[str, list[float]]]:
    """Time of each question to the driver, in microseconds, by function."""
    taken: dict[str, list[float]] = defaultdict(list)
    plain = Ask.__call__

    def timed(self: Ask, call: Any, *arguments: Any, as_: Hashable = None) -> Any:
        began_s = time.perf_counter()
        try:
            return plain(self, call, *arguments, as_=as_)
        finally:
            taken[call.__name__].append((time.perf_counter() - began_s) * 1e6)

    Ask.__call__ = timed  # type: ignore[method-assign]
    try:
        yield taken
    finally:
        Ask.__call__ = plain  # type: ignore[method-assign]
