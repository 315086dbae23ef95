"""How llama.cpp is to load a model that serves: the one rule for the engine, for plans and for dry runs."""

from __future__ import annotations

from typing import Final

from ringfenced.weights.dryrun import LoadSettings

SEQUENCES_MAX: Final = 256
"""LLAMA_MAX_SEQ."""
KEPT_MAX: Final = 64
"""Sequences that ended and are kept in the cache of a GPU."""
PARKED_BYTES_MAX: Final = 256 * 1024 * 1024
"""Most memory of the states of sequences that ended and are kept outside the cache, on processors."""
BATCH_TOKENS_MIN: Final = 512
"""Tokens of a prompt that are read at once while nobody waits for a token."""


def places(sequences: int) -> int:
    """Return how many answers have a place: shares that have none find one where all others are taken.

    Args:
        sequences: answers at the same time, as configured.
    """
    return min(SEQUENCES_MAX, sequences + max(1, sequences // 4))


def batch_tokens(sequences: int, step_tokens: int) -> int:
    """Return the most tokens in one batch: a step's, or a larger piece of a prompt while nobody waits for a token."""
    return max(BATCH_TOKENS_MIN, places(sequences) + step_tokens)


def serving(
    *,
    context_tokens: int,
    sequences: int,
    cells: int = 0,
    step_tokens: int = 64,
    is_kept_in_place: bool = False,
    settings: LoadSettings | None = None,
) -> LoadSettings:
    """Return how a model that answers is loaded.

    Without a number of cells each sequence has a whole context of its own, on processors apart from the others'; with
    one, or on GPUs, all share a pool.

    Args:
        context_tokens: longest prompt and answer of one.
        sequences: answers at the same time.
        cells: tokens in the cache; 0 for a context each.
        step_tokens: prompt tokens a step while answers run.
        is_kept_in_place: whether sequences that ended are kept in the cache.
        settings: the rest: layers, types, attention.
    """
    rest = settings or LoadSettings(cells=0)
    is_pool = bool(cells) or rest.gpu_layers != 0 or is_kept_in_place
    at_once = places(sequences)
    return LoadSettings(
        cells=max(context_tokens, cells or context_tokens * (sequences if is_pool else at_once)),
        sequences=min(SEQUENCES_MAX, at_once + (KEPT_MAX if is_kept_in_place else 0)),
        batch_tokens=batch_tokens(sequences, step_tokens),
        key_type=rest.key_type,
        value_type=rest.value_type,
        gpu_layers=rest.gpu_layers,
        tensor_split=rest.tensor_split,
        flash_attention=rest.flash_attention,
        is_pool=is_pool,
        contexts=sequences if is_pool else at_once,
    )
