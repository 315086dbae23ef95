"""What the first GPU holds, by NVML."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pynvml

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the GPU."""

    used_bytes: int
    """Of its memory, by all processes and the driver."""
    processes: dict[int, int | None]
    """Bytes of each process that computes on it; None where NVML does not tell."""

    def of(self, pids: Collection[int]) -> int | None:
        """Return the bytes of some processes; None where NVML does not list or measure any of them."""
        known = [size for pid, size in self.processes.items() if pid in pids and size is not None]
        return sum(known) if known else None


def read() -> Reading:
    """Look at it."""
    pynvml.nvmlInit()
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        computing = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        return Reading(
            used_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).used),
            processes={entry.pid: entry.usedGpuMemory for entry in computing},
        )
    finally:
        pynvml.nvmlShutdown()


def mib(size: int | None) -> str:
    """Return bytes in MiB for people; ``unknown`` for None."""
    return "unknown" if size is None else f"{size / MIB:,.0f} MiB"
