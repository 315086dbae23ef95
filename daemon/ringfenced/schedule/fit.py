"""Whether a model fits: on each device, what would have to go for it, and what context would fit. Pure arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ringfenced.schedule.cachesize import CELLS_STEP
from ringfenced.schedule.footprint import PROCESS_BYTES
from ringfenced.schedule.plan import Compute, Gpu, Plan, plan
from ringfenced.weights.dryrun import HOST, LoadSettings
from ringfenced.weights.shape import ModelShape

GPU_CONTEXT_BYTES: Final = 544 * 1024**2
"""What a process takes of a GPU besides what llama.cpp accounts for: 530 to 532 MiB on an H200 with CUDA 13.0 and
driver 580 (bench/results/gpu-2026-11-29.md), rounded up; it differs by GPU, driver and build."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Memory that a model may be loaded into."""

    device: str
    """``cpu``, or a GPU's name."""
    free_bytes: int
    """What is free."""
    reserve_bytes: int = 0
    """Of that, what has to stay free."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is loaded and could go."""

    name: str
    """Which."""
    bytes: Mapping[str, int] = field(repr=False)
    """What it would give back, by device."""


@dataclass(frozen=True, slots=True)
class DeviceFit:
    """How a model fits on one device."""

    device: str
    """Which."""
    needed_bytes: int
    """What it would take, its process included; 0 where it does not use the device."""
    available_bytes: int
    """What it may take."""

    @property
    def short_bytes(self) -> int:
        """How much is missing; 0 where it fits."""
        return max(0, self.needed_bytes - self.available_bytes)


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model fits."""

    plan: Plan
    """What it would take."""
    devices: tuple[DeviceFit, ...]
    """How that fits, by device."""
    evict: tuple[str, ...] | None
    """Loaded models that would have to go, none where it fits; None where even all of them would not do."""
    context_tokens: int | None
    """Longest context of each sequence that fits as things are, a multiple of 256 and no longer than the model was
    trained for; None where none does."""
    refusal: str = ""
    """Why llama.cpp would not load it like that at all; empty where it would."""

    @property
    def fits(self) -> bool:
        """Whether it can be loaded as things are."""
        return not self.refusal and not any(device.short_bytes for device in self.devices)


def fit(
    shape: ModelShape,
    settings: LoadSettings,
    memory: Sequence[DeviceMemory],
    loaded: Sequence[Loaded] = (),
    *,
    compute: Compute | None = None,
    planned: Plan | None = None,
) -> Fit:
    """Say whether a model fits.

    Args:
        shape: the model.
        settings: how it would be loaded.
        memory: the host and the GPUs, these in llama.cpp's order.
        loaded: what could go, the first to go first.
        compute: what compute buffers take; an upper bound if None.
        planned: what it would take, from a dry run; computed if None.
    """
    gpus = tuple(Gpu(each.device, each.free_bytes) for each in memory if each.device != HOST)
    wanted = planned or plan(shape, settings, gpus, compute)
    devices = _devices(wanted, memory)
    return Fit(
        wanted,
        devices,
        evictions(devices, loaded),
        largest_context(shape, settings, memory, compute),
        settings.cache_refusal(shape),
    )


def needed_bytes(wanted: Plan) -> dict[str, int]:
    """Return what an engine takes by device, its process included; devices that it does not use are left out."""
    return {
        use.device: use.bytes + (PROCESS_BYTES if use.device == HOST else GPU_CONTEXT_BYTES)
        for use in wanted.uses
        if use.bytes
    }


def planned_ways(
    shape: ModelShape, settings: LoadSettings, groups: Sequence[Sequence[Gpu]], compute: Compute | None = None
) -> tuple[Mapping[str, int], ...]:
    """Return what an engine takes by device in each of the ways in which it could be placed.

    Args:
        shape: the model.
        settings: how it would be loaded.
        groups: GPUs that stand beside each other, for each way; one empty group for the host alone.
        compute: what compute buffers take; an upper bound if None.
    """
    return tuple(needed_bytes(plan(shape, settings, group, compute)) for group in groups)


def evictions(devices: Sequence[DeviceFit], loaded: Sequence[Loaded]) -> tuple[str, ...] | None:
    """Return which models would have to go: as few of the last as possible, none in vain.

    Args:
        devices: how the model fits as things are.
        loaded: what could go, the first to go first.

    Returns:
        Names in the given order; None where even all of them would not do.
    """
    short = {device.device: device.short_bytes for device in devices if device.short_bytes}
    taken: list[Loaded] = []
    for model in loaded:
        if _covers(taken, short):
            break
        if any(model.bytes.get(device, 0) > 0 for device in short):
            taken.append(model)
    if not _covers(taken, short):
        return None
    for model in reversed(taken.copy()):  # the later ones may have made an earlier one unnecessary
        rest = [other for other in taken if other is not model]
        if _covers(rest, short):
            taken = rest
    return tuple(model.name for model in taken)


def largest_context(
    shape: ModelShape, settings: LoadSettings, memory: Sequence[DeviceMemory], compute: Compute | None = None
) -> int | None:
    """Return the longest context of each sequence that fits as things are.

    What a model takes grows with its context, so that the longest is found by halving. Where attention changes to flash
    attention on the way, compute buffers shrink once: what is found fits, and a still longer one might.

    Args:
        shape: the model.
        settings: how it would be loaded; the cells do not count.
        memory: the host and the GPUs.
        compute: what compute buffers take; an upper bound if None.

    Returns:
        Tokens, a multiple of 256, no more than the model was trained for; None where not even 256 fit.
    """
    gpus = tuple(Gpu(each.device, each.free_bytes) for each in memory if each.device != HOST)

    def does_fit(steps: int) -> bool:
        cells = steps * CELLS_STEP * max(1, settings.contexts or settings.sequences)
        tried = plan(shape, replace(settings, cells=cells), gpus, compute)
        return not any(device.short_bytes for device in _devices(tried, memory))

    low, high = 0, max(1, (shape.context_trained or CELLS_STEP) // CELLS_STEP)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if does_fit(middle) else (low, middle - 1)
    return low * CELLS_STEP or None


def _devices(wanted: Plan, memory: Sequence[DeviceMemory]) -> tuple[DeviceFit, ...]:
    needed = needed_bytes(wanted)
    known = {each.device for each in memory}
    rows = [
        DeviceFit(
            each.device,
            needed.get(each.device, 0),
            max(0, each.free_bytes - each.reserve_bytes),
        )
        for each in memory
    ]
    return (*rows, *(DeviceFit(device, size, 0) for device, size in needed.items() if device not in known))


def _covers(models: Sequence[Loaded], short: Mapping[str, int]) -> bool:
    freed = Counter[str]()
    for model in models:
        freed.update(model.bytes)
    return all(freed[device] >= size for device, size in short.items())
