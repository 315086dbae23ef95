"""The engine process for a GGUF model: ``python -m ringfenced.engines.worker --socket PATH --model FILE``.

It holds one model and no secrets, answers on one unix socket that only its user may open, and listens only once the
model is loaded. A defect ends the process: its requests are told by that, and its supervisor starts another.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from ringfenced.engines.confine import confine, silence_stderr
from ringfenced.engines.server import EngineServer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ringfenced.engines.worker", description="Host a GGUF model with llama.cpp.")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument("--parent", type=int, default=0, help="process to die with; 0 for none")
    parser.add_argument("--model", type=Path, required=True, help="the GGUF file")
    parser.add_argument("--context", type=int, default=0, help="tokens, prompt and answer of one; 0 as trained")
    parser.add_argument("--sequences", type=int, default=8, help="answers at the same time")
    parser.add_argument("--cells", type=int, default=0, help="tokens in the cache; 0 for a context each")
    parser.add_argument("--queue", type=int, default=256, help="answers that wait")
    parser.add_argument("--step-tokens", type=int, default=64, help="prompt tokens a step while answers run")
    parser.add_argument("--threads", type=int, default=0, help="compute threads; 0 for one a usable core")
    parser.add_argument("--gpu-layers", type=int, default=0, help="layers on GPUs; -1 for all")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    import llama_cpp  # noqa: PLC0415  # after the process is confined

    from ringfenced.engines.llama.backend import LlamaBackend  # noqa: PLC0415  # likewise
    from ringfenced.engines.llama.batcher import Limits  # noqa: PLC0415
    from ringfenced.engines.llama.library import LlamaContext, LlamaModel  # noqa: PLC0415

    model = LlamaModel(arguments.model, gpu_layers=arguments.gpu_layers)
    context_tokens = arguments.context or model.context_trained
    limits = Limits(
        context_tokens_max=context_tokens,
        cells=max(context_tokens, arguments.cells or context_tokens * arguments.sequences),
        sequences_max=arguments.sequences,
        queue_max=arguments.queue,
        step_tokens=arguments.step_tokens,
    )
    context = LlamaContext(
        model,
        cells=limits.cells,
        sequences=limits.sequences_max,
        batch_tokens=limits.batch_tokens,
        threads=arguments.threads or len(os.sched_getaffinity(0)),
    )
    server = EngineServer()
    backend = LlamaBackend(server, model, context, limits, version=llama_cpp.__version__)
    silence_stderr()
    await server.serve(arguments.socket, backend)


def main() -> None:
    """Load, listen, and answer until told to stop."""
    arguments = _arguments()
    confine(arguments.parent)
    if not arguments.model.is_file():
        sys.exit("the model file does not exist")
    try:
        import uvloop  # noqa: PLC0415  # only where it is installed
    except ImportError:
        asyncio.run(_serve(arguments))
    else:
        uvloop.run(_serve(arguments))


if __name__ == "__main__":
    main()
