"""llama.cpp's parameters for a model and its context: the same for a dry run as for the real load."""

from __future__ import annotations

import ctypes
from typing import Any

from llama_cpp import llama_cpp as lib

from ringfenced.weights.dryrun import LoadSettings

_CACHE_TYPES = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 6,
    "q5_1": 7,
    "q8_0": 8,
    "bf16": 30,
}  # enum ggml_type
_LOAD_MODE_NONE = 0
_LAZY_MODE_OFF = 0
DEVICES_MAX = 128
"""Parts of a split that are given; llama.cpp reads as many as it has devices."""


def model_parameters(settings: LoadSettings, *, is_dry: bool) -> Any:
    """Return the ``llama_model_params``.

    Args:
        settings: how to load it.
        is_dry: read the header only, and allocate nothing.
    """
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = settings.gpu_layers
    if settings.tensor_split:
        parts = (ctypes.c_float * DEVICES_MAX)(*settings.tensor_split)
        parameters.tensor_split = ctypes.cast(parts, ctypes.POINTER(ctypes.c_float))
        parameters.kept_parts = parts  # for as long as the parameters live
    if is_dry:
        parameters.no_alloc = True
        parameters.load_mode = _LOAD_MODE_NONE
        parameters.lazy_mode = _LAZY_MODE_OFF
    return parameters


def context_parameters(settings: LoadSettings, *, heads: int, threads: int) -> Any:
    """Return the ``llama_context_params``.

    Args:
        settings: how to load it.
        heads: attention heads of the model.
        threads: compute threads.
    """
    parameters = lib.llama_context_default_params()
    parameters.n_ctx = settings.cells
    parameters.n_batch = settings.batch_tokens
    parameters.n_ubatch = settings.batch_tokens
    parameters.n_seq_max = settings.sequences
    parameters.n_outputs_max = settings.outputs
    parameters.n_threads = threads
    parameters.n_threads_batch = threads
    parameters.type_k = _CACHE_TYPES[settings.key_type]
    parameters.type_v = _CACHE_TYPES[settings.value_type]
    parameters.kv_unified = settings.is_pool
    parameters.no_perf = True
    parameters.swa_full = settings.full_windows
    parameters.embeddings = settings.embeddings
    if not settings.uses_flash(heads):
        parameters.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    elif settings.flash_attention == "on":
        parameters.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
    return parameters
