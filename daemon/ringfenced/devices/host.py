"""The host, through psutil. An unknown fact is None, never 0."""

from __future__ import annotations

import platform

import psutil

from ringfenced.model import DeviceFacts


def host() -> DeviceFacts:
    """Memory and use of the machine that the daemon runs on."""
    memory = psutil.virtual_memory()
    return DeviceFacts(
        id="cpu",
        kind="cpu",
        name=f"{psutil.cpu_count(logical=True) or '?'} x {platform.machine()}",
        memory_total_bytes=memory.total,
        memory_used_bytes=memory.total - memory.available,
        utilisation=psutil.cpu_percent(interval=None) / 100,
    )
