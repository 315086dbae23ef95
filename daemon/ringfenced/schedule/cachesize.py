"""What llama.cpp's cache takes, by layer: src/llama-kv-cache*.cpp and src/llama-memory-recurrent.cpp as arithmetic."""

from __future__ import annotations

from typing import Final

from ringfenced.weights.dryrun import LoadSettings
from ringfenced.weights.shape import LayerShape, ModelShape
from ringfenced.weights.types import BY_NAME

CELLS_STEP: Final = 256
"""Caches have a multiple of so many cells (llama_context's constructor, llama_kv_cache_iswa's constructor)."""


def padded_cells(cells: int) -> int:
    """Return the cells that llama.cpp makes where so many are asked for."""
    return -(-max(1, cells) // CELLS_STEP) * CELLS_STEP


def layer_cache_bytes(shape: ModelShape, settings: LoadSettings) -> tuple[int, ...]:
    """Return what each layer's cache and recurrent state take.

    Args:
        shape: the model.
        settings: how it is loaded.
    """
    if not shape.has_cache:
        return (0,) * len(shape.layers)
    cells = padded_cells(settings.cells)
    batch = min(settings.batch_tokens, cells)
    windowed = (
        cells
        if settings.full_windows
        else min(cells, padded_cells(min(cells, (shape.window or 0) * settings.sequences + batch)))
    )
    # without flash attention values are kept by column, and all layers' columns are as long as the longest
    longest = 0 if settings.uses_flash(shape.heads) else max(layer.value_elements for layer in shape.layers)
    return tuple(_layer(layer, settings, windowed if layer.is_windowed else cells, longest) for layer in shape.layers)


def _layer(layer: LayerShape, settings: LoadSettings, cells: int, values_least: int) -> int:
    values = max(layer.value_elements, values_least) if layer.value_elements else 0
    row = _row_bytes(settings.key_type, layer.key_elements) + _row_bytes(settings.value_type, values)
    return row * cells + layer.state_bytes * max(1, settings.sequences)


def _row_bytes(kind: str, elements: int) -> int:
    """Return what so many numbers take; what does not fill a block takes a whole one."""
    stored = BY_NAME[kind]
    return -(-elements // stored.block) * stored.bytes
