"""What a running daemon says of its memory, for a fit."""

from __future__ import annotations

from typing import Any

from ringfence.v1.admin_pb2 import Device, Model, ModelState
from ringfenced.cli import settings
from ringfenced.schedule.fit import DeviceMemory, Loaded
from ringfenced.weights.dryrun import HOST


def node_memory(options: Any) -> list[DeviceMemory]:
    """Return the node's devices with what is free of each, the host first; those that it does not use are left out.

    Args:
        options: the command line's.
    """
    with settings.load(options).client() as client:
        return memory_of(client.devices())


def node_loaded(options: Any) -> list[Loaded]:
    """Return the models that could go, the one that nobody used for longest first."""
    with settings.load(options).client() as client:
        return loaded_of(client.models(), client.devices())


def memory_of(devices: list[Device]) -> list[DeviceMemory]:
    """Return what is free of each device; a device whose memory is not known is left out."""
    found = []
    for device in devices:
        if device.excluded_reason or not device.HasField("memory_total_bytes"):
            continue
        if device.HasField("memory_free_bytes"):
            free = device.memory_free_bytes
        elif device.HasField("memory_used_bytes"):
            free = max(0, device.memory_total_bytes - device.memory_used_bytes)
        else:
            continue
        found.append(DeviceMemory(HOST if device.kind == "cpu" else device.id, free))
    return sorted(found, key=lambda memory: memory.device != HOST)


def loaded_of(models: list[Model], devices: list[Device]) -> list[Loaded]:
    """Return the models that could go, the one that nobody used for longest first."""
    hosts = {device.id for device in devices if device.kind == "cpu"}
    idle = [
        model
        for model in models
        if model.state == ModelState.MODEL_STATE_READY and not model.pinned and not model.requests_running
    ]
    idle.sort(key=lambda model: model.last_used_at.ToMilliseconds())
    found = []
    for model in idle:
        sizes = {
            HOST if memory.device in hosts else memory.device: (
                memory.measured_bytes if memory.HasField("measured_bytes") else memory.planned_bytes
            )
            for memory in model.memory
        }
        if sizes:
            found.append(Loaded(model.name, sizes))
    return found
