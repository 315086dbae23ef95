"""What a process and all that it started take of the node's memory, by the kernel's account."""

from __future__ import annotations

import psutil


def process_bytes(pid: int) -> int | None:
    """Memory of a process and its children, in bytes; None where the kernel does not tell.

    Shared pages count in proportion (PSS) where this user may read that; engines keep others from it (`confine`), and
    then resident pages count (RSS), those of the weights' file included. It may take tens of milliseconds for a large
    model: not for the event loop.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(counts) if (counts := [_bytes(one) for one in family]) else None
    except psutil.Error:
        return None


def _bytes(process: psutil.Process) -> int:
    try:
        pss: int = process.memory_full_info().pss
    except (psutil.AccessDenied, PermissionError):
        rss: int = process.memory_info().rss
        return rss
    return pss
