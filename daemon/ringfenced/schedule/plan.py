"""What a model would take of each device, computed from its shape alone: weights, cache, compute buffers.

Weights and cache follow llama.cpp's own arithmetic, to the byte but for the alignment of buffers. Compute buffers are
known exactly from a dry run only; without one an upper bound is taken.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from ringfenced.schedule.cachesize import layer_cache_bytes, padded_cells
from ringfenced.weights.dryrun import HOST, DeviceUse, LoadSettings
from ringfenced.weights.shape import ModelShape

REARRANGED: Final = frozenset({"q4_0", "q4_K", "q2_K", "iq4_nl", "mxfp4"})
"""Types of which llama.cpp makes rearranged copies on x86-64 (ggml-cpu/repack.cpp, AVX2 and AVX-512): they are in
memory of their own, not in the mapped file; a matrix that is embeddings and output at once is there twice."""
_FLOAT: Final = 4

Compute = Callable[[ModelShape, LoadSettings], Mapping[str, int]]
"""Returns the bytes of compute buffers by device."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that may take layers, in the order in which llama.cpp sees them."""

    device: str
    """Its name."""
    free_bytes: int
    """What is free of its memory."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a model would take."""

    settings: LoadSettings
    """How it would be loaded; the cells as llama.cpp rounds them."""
    uses: tuple[DeviceUse, ...]
    """By device, the machine's own memory first."""
    is_dry_run: bool = False
    """Whether the figures are a dry run's, and not computed here."""

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(use.bytes for use in self.uses)

    def on(self, device: str) -> int:
        """Return what it takes of one device."""
        return sum(use.bytes for use in self.uses if use.device == device)


def plan(shape: ModelShape, settings: LoadSettings, gpus: Sequence[Gpu] = (), compute: Compute | None = None) -> Plan:
    """Compute what a model would take.

    Args:
        shape: the model.
        settings: how it is loaded.
        gpus: where its layers may go; without any, all is on the host.
        compute: what the compute buffers take; `compute_bound` if None.
    """
    rounded = replace(settings, cells=padded_cells(settings.cells), gpu_layers=settings.gpu_layers if gpus else 0)
    devices = layer_devices(shape, rounded, gpus)
    weights, mapped = _weights(shape, devices)
    cache = Counter[str]()
    for device, size in zip(devices, layer_cache_bytes(shape, rounded), strict=False):
        cache[device] += size
    computing = (compute or compute_bound(gpus))(shape, rounded)
    names = dict.fromkeys((HOST, *devices, *computing))
    return Plan(
        rounded,
        tuple(
            DeviceUse(name, weights[name], cache[name], computing.get(name, 0), mapped if name == HOST else 0)
            for name in names
        ),
    )


def layer_devices(shape: ModelShape, settings: LoadSettings, gpus: Sequence[Gpu]) -> tuple[str, ...]:
    """Return the device of each layer, and of the output behind them (llama_model_base::load_tensors).

    Args:
        shape: the model.
        settings: how many layers go to GPUs, and in which proportion.
        gpus: where they may go.
    """
    loaded, layers = len(shape.layers), len(shape.layers) + shape.unused_layers
    wanted = settings.gpu_layers if settings.gpu_layers >= 0 else layers + 1
    on_gpus = min(wanted, layers + 1) if gpus else 0
    if not on_gpus:
        return (HOST,) * (loaded + 1)
    first = max(layers + 1 - wanted, 0)
    parts = settings.tensor_split[: len(gpus)] or tuple(float(gpu.free_bytes) for gpu in gpus)
    parts += (0.0,) * (len(gpus) - len(parts))
    total = sum(parts) or 1.0
    ends = [end / total for end in accumulate(parts)]
    numbers = (*range(loaded), layers)
    return tuple(
        HOST if number < first else gpus[min(bisect_right(ends, (number - first) / on_gpus), len(gpus) - 1)].device
        for number in numbers
    )


def _weights(shape: ModelShape, devices: Sequence[str]) -> tuple[Counter[str], int]:
    """Return the weights' bytes by device, and how many of the host's are a mapped file."""
    weights = Counter[str]({HOST: shape.input_bytes})
    for device, layer in zip(devices, shape.layers, strict=False):
        weights[device] += layer.weights_bytes
    output = devices[-1]
    weights[output] += shape.output_bytes
    is_rearranged = shape.embeddings_type in REARRANGED
    if shape.is_tied and (output != HOST or is_rearranged):
        weights[output] += shape.embeddings_bytes
    mapped = shape.input_bytes if shape.quantization in REARRANGED else weights[HOST]
    return weights, mapped


def compute_bound(gpus: Sequence[Gpu]) -> Compute:
    """Return what bounds compute buffers from above.

    The figures are those of a transformer's largest step: the mask, the scores where they are computed whole, the
    inner width and some rows of each token. bench/fit.py compares them with dry runs.

    Args:
        gpus: where layers may go; each that has some needs such buffers of its own.
    """

    def bound(shape: ModelShape, settings: LoadSettings) -> dict[str, int]:
        cells = padded_cells(settings.cells)
        batch = min(settings.batch_tokens, cells)
        has_cache = any(layer.key_elements for layer in shape.layers)
        seen = cells if has_cache else (0 if shape.has_cache else batch)
        is_flash = settings.uses_flash(shape.heads)
        masks = 2 if shape.window else 1
        mask = masks * seen * batch * (2 if is_flash else _FLOAT)
        scores = 0 if is_flash else seen * batch * shape.heads * _FLOAT
        if not is_flash and any(layer.key_elements > layer.value_elements == 0 for layer in shape.layers):
            scores += seen * max(layer.key_elements for layer in shape.layers) * 2  # values are taken from the keys
        inner = shape.feed_forward * (3 if shape.experts else 2) + shape.embedding * 8
        if any(layer.state_bytes for layer in shape.layers):
            inner += 6 * shape.embedding
        attention = 2 * shape.heads * max(shape.head_elements, shape.embedding // max(1, shape.heads))
        rows = batch * (inner + attention) * _FLOAT
        ends = 2 * batch * shape.embedding * _FLOAT
        numbers = (shape.vocabulary or 0) + (shape.embedding if settings.embeddings else 0)
        results = settings.outputs * numbers * _FLOAT
        computing = max(mask + scores + rows, mask + ends + results)
        used = dict.fromkeys(layer_devices(shape, settings, gpus))
        by_device = {device: computing for device in used if device != HOST}
        # the host keeps the inputs and the embeddings of a batch where everything else is on GPUs
        by_device[HOST] = computing if HOST in used else mask + ends
        by_device[HOST] += results  # the copy that answers are read from
        return by_device

    return bound


def dry_run_plan(settings: LoadSettings, uses: Sequence[DeviceUse]) -> Plan:
    """Return the plan that a dry run's answer is."""
    return Plan(replace(settings, cells=padded_cells(settings.cells)), tuple(uses), is_dry_run=True)


def calibrated(bound: Compute, tried: Sequence[tuple[LoadSettings, Sequence[DeviceUse]]]) -> Compute:
    """Return compute buffers as a dry run found them, and between what it tried in proportion to the bound.

    Args:
        bound: upper bounds.
        tried: settings, and what the dry run answered.
    """
    exact = {
        replace(settings, cells=padded_cells(settings.cells)): {use.device: use.compute_bytes for use in uses}
        for settings, uses in tried
    }

    def compute(shape: ModelShape, settings: LoadSettings) -> dict[str, int]:
        wanted = replace(settings, cells=padded_cells(settings.cells))
        if wanted in exact:
            return exact[wanted]
        upper = bound(shape, wanted)
        shares: dict[str, float] = {}
        for one, found in exact.items():
            limits = bound(shape, one)
            for device, size in found.items():
                if limits.get(device):
                    shares[device] = max(shares.get(device, 0.0), size / limits[device])
        return {device: math.ceil(size * shares.get(device, 1.0)) for device, size in upper.items()}

    return compute
