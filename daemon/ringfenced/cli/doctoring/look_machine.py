"""What the kernel says of this machine: clock, our processes, swap, GPU driver."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ringfenced.cli.doctoring.memory import ProcessFacts, SwapFacts

PROC: Final = Path("/proc")
SYS: Final = Path("/sys")

_TIMEX_BYTES: Final = 256
"""Room for a struct timex (adjtimex(2)): 208 bytes on 64-bit Linux; all zero, it asks and sets nothing."""
_TIME_ERROR: Final = 5
"""What adjtimex(2) returns where the clock is not synchronised."""

_PROGRAMS: Final = frozenset({"ringfenced", "ringfence-agent", "ringfence_agent"})
"""What our processes are started as, directly or by `python -m`."""

_CORE: Final = re.compile(r"^Max core file size\s+\S+\s+(\S+)", re.MULTILINE)


def is_clock_synchronised() -> bool | None:
    """What the kernel says; None where it says nothing."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def processes(proc: Path = PROC, sys: Path = SYS) -> tuple[ProcessFacts, ...]:
    """Every process of daemon and agent; engines are the daemon's children, and have its limits and control group."""
    return tuple(_processes(proc, sys))


def swaps(proc: Path = PROC, sys: Path = SYS) -> tuple[SwapFacts, ...]:
    """Where this machine swaps to (proc(5), /proc/swaps)."""
    lines = (_text(proc / "swaps") or "").splitlines()[1:]
    return tuple(SwapFacts(path, _is_safe(path, sys)) for path in (line.split()[0] for line in lines if line.strip()))


def gpu_driver(proc: Path = PROC) -> str:
    """The version of NVIDIA's driver that the kernel has loaded; empty for none."""
    said = re.search(r"\b(\d+\.\d+(?:\.\d+)?)\b", _text(proc / "driver/nvidia/version") or "")
    return said[1] if said else ""


def _processes(proc: Path, sys: Path) -> Iterator[ProcessFacts]:
    for folder in sorted(proc.iterdir(), key=lambda each: each.name.zfill(9)):
        if folder.name.isdecimal() and (name := _program(_text(folder / "cmdline") or "")):
            core = _CORE.search(_text(folder / "limits") or "")
            yield ProcessFacts(
                name=name,
                pid=int(folder.name),
                core_bytes_max=_limit(core[1]) if core else None,
                is_dumpable=_is_dumpable(folder),
                swap_bytes_max=_swap_max(folder, sys),
            )


def _program(cmdline: str) -> str:
    """Which of ours a command line starts; empty for none of them."""
    words = [Path(word).name for word in cmdline.split("\0")]
    started = next((word for word in words if word in _PROGRAMS), "")
    return started.replace("_", "-") if "--config" in words and "--worker" not in words else ""


def _limit(word: str) -> int:
    return int(word) if word.isdecimal() else -1


def _is_dumpable(folder: Path) -> bool | None:
    """The kernel gives the files of a process that is not dumpable to root (proc(5)); of root's own nothing is seen."""
    try:
        uid = int(re.search(r"^Uid:\s+\d+\s+(\d+)", (folder / "status").read_text(), re.MULTILINE)[1])  # type: ignore[index]
        owner = (folder / "environ").stat().st_uid
    except (OSError, TypeError, ValueError):
        return None
    return None if uid == 0 else owner == uid


def _swap_max(folder: Path, sys: Path) -> int | None:
    """What the control group of a process, and those above it, let it swap (cgroup v2)."""
    own = re.search(r"^0::/(.*)$", _text(folder / "cgroup") or "", re.MULTILINE)
    if own is None:
        return None
    root, group = sys / "fs/cgroup", sys / "fs/cgroup" / own[1]
    limits = [
        _limit(said.strip())
        for each in (group, *group.parents)
        if each.is_relative_to(root) and (said := _text(each / "memory.swap.max"))
    ]
    bounded = [limit for limit in limits if limit >= 0]
    return min(bounded) if bounded else (-1 if limits else None)


def _is_safe(path: str, sys: Path) -> bool:
    """Whether a swap device is encrypted (device-mapper's names for dm-crypt) or in memory (zram)."""
    name = Path(os.path.realpath(path)).name
    return name.startswith("zram") or (_text(sys / "block" / name / "dm/uuid") or "").startswith("CRYPT-")


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return None
