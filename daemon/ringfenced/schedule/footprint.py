"""What an engine of a model takes of memory, where nothing better is known than its files' size. Pure.

This is the rough figure that placement goes by until a plan from the model's own figures takes its place: too much
rather than too little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ringfenced.device import DeviceFacts
from ringfenced.weights.dryrun import HOST

PROCESS_BYTES = 160 * 1024**2
"""An engine process without a model: Python, llama.cpp and numpy. Measured resident size with the bundled model, whose
weights are 2 MB, on x86-64."""

COMPUTE_SHARE = 1.1
"""Weights and compute buffers together, for each byte of weights."""

CACHE_SHARE = 1 / 32_768
"""Bytes of the cache for a token, for each byte of weights: 128 KiB where the weights are 4 GiB (Llama 3.1 8B at 4
bits: 32 layers x 8 heads x 128 x 2 x 2 bytes = 128 KiB, weights 4.6 GiB)."""


@dataclass(frozen=True, slots=True)
class Appetite:
    """What is known of a model without reading it."""

    weights_bytes: int | None
    """Size of its files; None where there are none to measure."""
    cells: int
    """Tokens that its cache holds."""
    memory_bytes: int = 0
    """What an operator says that an engine takes; 0 for nothing said."""
    gpus: int = 0
    """GPUs that an engine is spread over; 0 for none."""
    gpu_share: float | None = None
    """Share of each GPU's memory that it takes whatever the model; None for what the model needs."""
    devices: tuple[str, ...] = ()
    """Those that it may use; empty for any."""
    host_bytes: int = PROCESS_BYTES
    """What an engine on GPUs takes of the node's own memory."""


def ways(appetite: Appetite, devices: Sequence[DeviceFacts]) -> tuple[Mapping[str, int], ...]:
    """In what ways an engine can be placed, in bytes by device, the best first.

    What needs GPUs can be placed on any so many of them that stand beside each other; where there are not so many, in
    the node's own memory. What nothing is known of takes nothing.
    """
    need = _bytes(appetite)
    if together := groups(appetite, devices):
        return tuple(
            {HOST: appetite.host_bytes} | {d.id: _part(d, need, appetite) for d in group} for group in together
        )
    return ({HOST: need} if need else {},)


def groups(appetite: Appetite, devices: Sequence[DeviceFacts]) -> list[Sequence[DeviceFacts]]:
    """GPUs that an engine may be spread over, for each way; none where there are not enough that are well."""
    allowed = appetite.devices
    usable = [d for d in devices if d.kind == "gpu" and d.is_placeable and (not allowed or d.id in allowed)]
    count = appetite.gpus
    if not count:
        return []
    return [usable[first : first + count] for first in range(len(usable) - count + 1)]


def _bytes(appetite: Appetite) -> int:
    if appetite.memory_bytes:
        return appetite.memory_bytes
    if appetite.weights_bytes is None:
        return 0
    cache = appetite.weights_bytes * CACHE_SHARE * appetite.cells
    return PROCESS_BYTES + int(appetite.weights_bytes * COMPUTE_SHARE + cache)


def _part(device: DeviceFacts, need: int, appetite: Appetite) -> int:
    """What an engine takes of one of its GPUs."""
    if appetite.gpu_share is not None and device.memory_total_bytes is not None:
        return int(device.memory_total_bytes * appetite.gpu_share)
    return -(-need // appetite.gpus)
