"""The host, through psutil and the kernel's files. An unknown fact is None, never 0."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from ringfenced.device import DeviceFacts, HostFacts, NumaNode
from ringfenced.devices.cgroup import MemoryGroups, MemoryLimit

NUMA: Final = Path("/sys/devices/system/node")
"""Where the kernel tells of parts of memory."""


class HostReader:
    """The machine that the daemon runs on, as far as the daemon may have it. Belongs to one thread.

    What stays is looked up once: the folders of our cgroup, the parts of memory, whether there are sensors.
    """

    def __init__(self, numa: Path = NUMA, groups: MemoryGroups | None = None) -> None:
        """Look up what stays.

        Args:
            numa: where the kernel tells of parts of memory.
            groups: our cgroup and those above it; None to find them.
        """
        self._groups = MemoryGroups.ours() if groups is None else groups
        self._numa = tuple(sorted(_numa_folders(numa)))
        self._has_sensors = bool(_temperatures())
        self._is_first = True
        self._name = f"{psutil.cpu_count(logical=True) or '?'} x {platform.machine()}"

    def sample(self) -> DeviceFacts:
        """The host as it is now; the use of its processors is that since the sample before."""
        memory = psutil.virtual_memory()
        swap = psutil.swap_memory()
        limit = self._groups.limit()
        cpus = self._cpus()
        temperatures = _temperatures() if self._has_sensors else ()
        return DeviceFacts(
            id="cpu",
            kind="cpu",
            name=self._name,
            memory_total_bytes=memory.total,
            memory_used_bytes=memory.total - memory.available,
            memory_free_bytes=_free(memory.available, limit),
            utilisation=sum(cpus) / len(cpus) if cpus else None,
            temperature_celsius=max((celsius for _, celsius in temperatures), default=None),
            host=HostFacts(
                memory_limit_bytes=limit.limit_bytes if limit else None,
                memory_limit_used_bytes=limit.used_bytes if limit else None,
                swap_total_bytes=swap.total,
                swap_used_bytes=swap.used,
                cpu_utilisation=cpus,
                load=_load(),
                numa=tuple(_numa_node(*each) for each in self._numa),
                temperatures=temperatures,
            ),
        )

    def _cpus(self) -> tuple[float, ...]:
        """The use of each processor since the last call, 0 to 1; nothing the first time."""
        shares = psutil.cpu_percent(interval=None, percpu=True)
        was_first, self._is_first = self._is_first, False
        return () if was_first else tuple(share / 100 for share in shares)


def _free(available: int, limit: MemoryLimit | None) -> int:
    """What the daemon and its engines can still take."""
    if limit is None or limit.free_bytes is None:
        return available
    return min(available, limit.free_bytes)


def _load() -> tuple[float, float, float] | None:
    try:
        return os.getloadavg()
    except OSError:
        return None


def _temperatures() -> tuple[tuple[str, float], ...]:
    """Every sensor of the board and the processors; none in most virtual machines."""
    read = getattr(psutil, "sensors_temperatures", None)  # not on every system
    told: list[tuple[str, float]] = []
    with suppress(OSError, RuntimeError, ValueError):
        for chip, sensors in (read() if read else {}).items():
            told += [(f"{chip} {sensor.label}".strip(), sensor.current) for sensor in sensors]
    return tuple(told)


def _numa_folders(folder: Path) -> Iterator[tuple[int, str, Path]]:
    """Number, near processors and figures of each part of memory."""
    for each in folder.glob("node[0-9]*"):
        with suppress(OSError, ValueError):
            yield int(each.name.removeprefix("node")), (each / "cpulist").read_text().strip(), each / "meminfo"


def _numa_node(number: int, cpus: str, figures: Path) -> NumaNode:
    total = free = None
    with suppress(OSError, ValueError, IndexError):
        for line in figures.read_text().splitlines():  # Node 0 MemTotal:       17393876 kB
            words = line.split()
            if words[2] == "MemTotal:":
                total = int(words[3]) * 1024
            elif words[2] == "MemFree:":
                free = int(words[3]) * 1024
    return NumaNode(number, cpus, total, free)
