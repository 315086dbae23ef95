"""The engine process for a GGUF model: ``python -m ringfenced.engines.worker --socket PATH --model FILE``.

It holds one model and no secrets, answers on one unix socket that only its user may open, and listens only once the
model is loaded. A defect ends the process: its requests are told by that, and its supervisor starts another.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ringfenced.engines.confine import confine, silence_stderr
from ringfenced.engines.progress import EXIT_NO_MEMORY, ProgressPipe
from ringfenced.engines.server import Backend, EngineServer, run
from ringfenced.weights import BadModelFile, ModelShape
from ringfenced.weights.files import verify_model_file


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ringfenced.engines.worker", description="Host a GGUF model with llama.cpp.")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument("--parent", type=int, default=0, help="process to die with; 0 for none")
    parser.add_argument("--model", type=Path, required=True, help="the GGUF file")
    parser.add_argument("--sha256", default="", help="digest that the file must have, hex; empty for any")
    parser.add_argument("--context", type=int, default=0, help="tokens, prompt and answer of one; 0 as trained")
    parser.add_argument("--sequences", type=int, default=8, help="answers at the same time")
    parser.add_argument("--cells", type=int, default=0, help="tokens in the cache; 0 for a context each")
    parser.add_argument("--queue", type=int, default=256, help="answers that wait")
    parser.add_argument("--step-tokens", type=int, default=64, help="prompt tokens a step while answers run")
    parser.add_argument("--threads", type=int, default=0, help="compute threads; 0 for one a usable core")
    parser.add_argument("--gpu-layers", type=int, default=0, help="layers on GPUs; -1 for all")
    parser.add_argument("--progress-fd", type=int, default=-1, help="pipe to tell on how far loading is; -1 for none")
    return parser.parse_args()


def _backend(arguments: argparse.Namespace, server: EngineServer, shape: ModelShape, pipe: ProgressPipe) -> Backend:
    """Load the model; leave with a message where that fails."""
    import llama_cpp  # noqa: PLC0415  # after the process is confined

    from ringfenced.engines.llama.backend import LlamaBackend  # noqa: PLC0415  # likewise
    from ringfenced.engines.llama.batcher import Limits  # noqa: PLC0415
    from ringfenced.engines.llama.binding import LlamaContext, LlamaModel, LoadError, OutOfMemory  # noqa: PLC0415

    try:
        model = LlamaModel(arguments.model, gpu_layers=arguments.gpu_layers, on_progress=pipe.tell)
        pipe.say("warming up")
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
            has_gpu=arguments.gpu_layers != 0,
            tied_bytes=shape.embeddings_bytes if shape.is_tied else 0,
        )
    except OutOfMemory as error:
        print(error, file=sys.stderr)  # noqa: T201  # for the launcher, which keeps the last lines
        sys.exit(EXIT_NO_MEMORY)
    except LoadError as error:
        sys.exit(str(error))
    return LlamaBackend(server, model, context, limits, version=llama_cpp.__version__)


def main() -> None:
    """Load, listen, and answer until told to stop."""
    arguments = _arguments()
    confine(arguments.parent)
    try:
        file = verify_model_file(arguments.model, arguments.sha256)
    except BadModelFile as error:
        sys.exit(error.message)
    server = EngineServer()
    pipe = ProgressPipe(arguments.progress_fd)
    backend = _backend(arguments, server, file.shape, pipe)
    pipe.close()
    silence_stderr()
    run(server.serve(arguments.socket, backend))


if __name__ == "__main__":
    main()
