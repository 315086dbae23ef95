"""How many tokens vLLM's cache would hold: it takes a share of each GPU and gives the cache what is left of it.

Source: vLLM's v1 worker, ``determine_available_memory``: requested memory is the GPU's total times
``gpu_memory_utilization``, and has to be free; from it go weights, the peak of a profiled step and what is not torch's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfenced.schedule.fit import GPU_CONTEXT_BYTES
from ringfenced.weights.shape import ModelShape

BLOCK_TOKENS: Final = 16
"""Tokens of a block of the cache (vLLM's default ``block_size`` on CUDA)."""
_FLOAT: Final = 4


@dataclass(frozen=True, slots=True)
class VllmSettings:
    """How vLLM is to load a model."""

    memory_share: float = 0.9
    """``gpu_memory_utilization``."""
    tensor_parallel: int = 1
    """GPUs that share each layer."""
    pipeline_parallel: int = 1
    """Groups of GPUs that take turns."""
    batch_tokens: int = 8192
    """``max_num_batched_tokens``."""
    sequences: int = 256
    """``max_num_seqs``."""
    cache_element_bytes: int = 2
    """Bytes of a number in the cache; 1 for 8 bits."""
    activation_element_bytes: int = 2
    """Bytes of a number that is computed with."""


@dataclass(frozen=True, slots=True)
class VllmFit:
    """Whether a model fits, by GPU: all are alike."""

    requested_bytes: int
    """What vLLM asks for, and has to be free."""
    weights_bytes: int
    """Weights on each GPU."""
    step_bytes: int
    """What a step and the process take, an estimate."""
    token_bytes: int
    """What a token takes in the cache of each GPU; 0 for a model without one."""
    state_bytes: int
    """What a sequence's recurrent state takes on each GPU."""
    cache_tokens: int | None
    """Tokens that the cache would hold; None where it does not fit, or there is no cache."""
    missing_bytes: int
    """What is missing on a GPU; 0 where it fits."""

    @property
    def fits(self) -> bool:
        """Whether it can be loaded."""
        return not self.missing_bytes


def vllm_fit(shape: ModelShape, settings: VllmSettings, *, total_bytes: int, free_bytes: int) -> VllmFit:
    """Say whether a model fits, and for how many tokens.

    Args:
        shape: the model.
        settings: how it would be loaded.
        total_bytes: memory of the smallest of the GPUs.
        free_bytes: what is free on the fullest of them.
    """
    gpus, stages = settings.tensor_parallel, settings.pipeline_parallel
    requested = int(total_bytes * settings.memory_share)
    weights = -(-shape.weights_bytes // (gpus * stages))
    token = sum(_token_elements(shape, index, gpus) for index in range(len(shape.layers)))
    token = -(-token * settings.cache_element_bytes // stages)
    state = -(-sum(layer.state_bytes for layer in shape.layers) // (gpus * stages))
    rows = settings.batch_tokens * (2 * shape.feed_forward // gpus + 6 * shape.embedding)
    results = settings.sequences * (shape.vocabulary or 0) * _FLOAT
    step = rows * settings.activation_element_bytes + results + GPU_CONTEXT_BYTES
    left = requested - weights - step - state * settings.sequences
    missing = max(0, requested - free_bytes, -left)
    blocks = left // (token * BLOCK_TOKENS) if token and left > 0 else 0
    return VllmFit(
        requested, weights, step, token, state, blocks * BLOCK_TOKENS if blocks and not missing else None, missing
    )


def _token_elements(shape: ModelShape, index: int, gpus: int) -> int:
    """Return the numbers that a token keeps on each GPU in one layer; heads that cannot be shared are on all."""
    layer = shape.layers[index]
    if not layer.value_elements:
        return layer.key_elements  # latent attention: the same on all
    heads = max(1, layer.key_elements // shape.head_elements) if shape.head_elements else 1
    share = -(-heads // gpus) / heads
    return int((layer.key_elements + layer.value_elements) * share)
