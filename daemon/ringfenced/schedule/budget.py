"""What all engines together may take of each device. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringfenced.device import DeviceFacts
from ringfenced.weights.dryrun import HOST


@dataclass(frozen=True, slots=True)
class Reserves:
    """What is left for others."""

    host_bytes_max: int = 0
    """Most of the node's own memory; 0 for what the machine or its control group has, less `host_reserve_bytes`."""
    host_reserve_bytes: int = 0
    """What is left of it for everything else."""
    device_reserve_bytes: int = 0
    """What is left free of each GPU."""


def budget(devices: Iterable[DeviceFacts], taken: Mapping[str, int], reserves: Reserves) -> dict[str, int]:
    """What engines may take, by device; a device that is taken out, or of unknown size, is not in it.

    Args:
        devices: as they are now.
        taken: what our engines take of each as planned: the rest of what is used there is somebody else's.
        reserves: what is left for others.
    """
    most: dict[str, int] = {}
    for device in devices:
        if not device.is_placeable or device.memory_total_bytes is None:
            continue
        if device.id == HOST:
            limit = device.host.memory_limit_bytes if device.host is not None else None
            total = min(device.memory_total_bytes, limit or device.memory_total_bytes)
            most[HOST] = reserves.host_bytes_max or max(0, total - reserves.host_reserve_bytes)
        else:
            others = max(0, (device.memory_used_bytes or 0) - taken.get(device.id, 0))
            most[device.id] = max(0, device.memory_total_bytes - others - reserves.device_reserve_bytes)
    if reserves.host_bytes_max:
        most[HOST] = reserves.host_bytes_max
    return most
