"""llama.cpp alone, in a loop of its own: what the engine's figures are held against.

    python -m gpu_parts.bare FILE --gpu-layers -1 --callers 1 4 8 16

As many sequences as callers, a token of each in every `llama_decode`, the likeliest next one taken with numpy. No
socket, no text, no sampling: what is faster than this is measured wrongly.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from typing import Any

import llama_cpp as lib
import numpy as np

WARM_STEPS = 8
"""Steps before the clock starts: the first ones make graphs and buffers."""


def main() -> None:
    """Measure each level, a line each."""
    parser = argparse.ArgumentParser(description="Tokens per second of llama.cpp alone.")
    parser.add_argument("model", help="the GGUF file")
    parser.add_argument("--gpu-layers", type=int, default=-1, help="layers on the GPU; -1 for all")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 4, 8, 16], help="sequences at the same time")
    parser.add_argument("--steps", type=int, default=200, help="tokens of each sequence")
    options = parser.parse_args()
    lib.llama_backend_init()
    lib.llama_log_set(_QUIET, ctypes.c_void_p(0))
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = options.gpu_layers
    model = lib.llama_model_load_from_file(options.model.encode(), parameters)
    if not model:
        raise SystemExit("llama.cpp cannot load the model file")
    for callers in options.callers:
        print(f"{callers} {_tokens_hz(model, callers, options.steps):.1f}", flush=True)


def _tokens_hz(model: Any, sequences: int, steps: int) -> float:
    parameters = lib.llama_context_default_params()
    parameters.n_ctx = 512 * sequences
    parameters.n_seq_max = sequences
    parameters.kv_unified = True
    parameters.no_perf = True
    context = lib.llama_init_from_model(model, parameters)
    if not context:
        raise SystemExit("llama.cpp cannot allocate a context of this size")
    vocabulary = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    batch = lib.llama_batch_init(sequences, 0, 1)
    batch.n_tokens = sequences
    tokens = np.full(sequences, 5)
    began_s = 0.0
    for step in range(WARM_STEPS + steps):
        if step == WARM_STEPS:
            began_s = time.perf_counter()
        for place in range(sequences):
            batch.token[place] = int(tokens[place])
            batch.pos[place] = step
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = place
            batch.logits[place] = 1
        if lib.llama_decode(context, batch):
            raise SystemExit("llama_decode failed")
        logits = np.ctypeslib.as_array(lib.llama_get_logits(context), (sequences, vocabulary))
        tokens = logits.argmax(axis=1)
    seconds = time.perf_counter() - began_s
    lib.llama_batch_free(batch)
    lib.llama_free(context)
    return sequences * steps / seconds


@lib.llama_log_callback
def _QUIET(level: int, text: bytes, _: Any) -> None:  # noqa: N802  # kept for the process's life, like a constant
    """Print nothing."""


if __name__ == "__main__":
    main()
