"""The engine process for a GGUF model: ``python -m ringfenced.engines.worker --socket PATH --model FILE``.

It holds one model and no secrets, answers on one unix socket that only its user may open, and listens only once the
model is loaded. A defect ends the process: its requests are told by that, and its supervisor starts another.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path

from ringfenced.engines.confine import confine, silence_stderr
from ringfenced.engines.server import Backend, EngineServer, run


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
    parser.add_argument(
        "--step-ms", type=int, default=100, help="most time that reading adds to a step while answers run"
    )
    parser.add_argument("--no-prefix-cache", action="store_true", help="keep nothing of prompts that were read")
    parser.add_argument("--threads", type=int, default=0, help="compute threads; 0 for one a usable core")
    parser.add_argument("--gpu-layers", type=int, default=0, help="layers on GPUs; -1 for all")
    parser.add_argument("--tensor-split", type=_numbers, default=(), help="each GPU's part, in proportion: 3,1")
    parser.add_argument("--cache-type", default="f16", help="how the cache is kept, for example q8_0")
    parser.add_argument("--flash-attention", default="auto", choices=("auto", "on", "off"))
    parser.add_argument("--adapter", type=_named, action="append", default=[], help="a LoRA adapter: NAME=FILE")
    parser.add_argument("--projector", type=Path, default=None, help="the GGUF file that makes pictures readable")
    parser.add_argument("--embeddings", action="store_true", help="embed texts and answer nothing")
    return parser.parse_args()


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _named(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError("an adapter is NAME=FILE")
    return name, Path(path)


_FLASH_ATTENTION = {"auto": None, "on": True, "off": False}


def _backend(arguments: argparse.Namespace, server: EngineServer) -> Backend:
    """Load the model; leave with a message where that fails."""
    import llama_cpp  # noqa: PLC0415  # after the process is confined

    from ringfenced.engines.llama.backend import LlamaBackend  # noqa: PLC0415  # likewise
    from ringfenced.engines.llama.batcher import Limits  # noqa: PLC0415
    from ringfenced.engines.llama.binding import LlamaContext, LlamaModel, LoadError  # noqa: PLC0415
    from ringfenced.engines.llama.cache import Keeping  # noqa: PLC0415
    from ringfenced.engines.llama.embed import EmbeddingBackend, EmbedLimits  # noqa: PLC0415
    from ringfenced.engines.llama.pictures import Projector  # noqa: PLC0415

    threads = arguments.threads or len(os.sched_getaffinity(0))
    try:
        has_gpu = arguments.gpu_layers != 0
        model = LlamaModel(arguments.model, gpu_layers=arguments.gpu_layers, tensor_split=arguments.tensor_split)
        adapters = {name: model.adapter(path) for name, path in arguments.adapter}
        context_tokens = arguments.context or model.context_trained
        limits: EmbedLimits | Limits
        if arguments.embeddings:
            limits = EmbedLimits(
                context_tokens_max=context_tokens, inputs_max=arguments.sequences, queue_max=arguments.queue
            )
            cells, sequences, kept = limits.batch_tokens, limits.inputs_max, 0
        else:
            limits = Limits(
                context_tokens_max=context_tokens,
                cells=max(context_tokens, arguments.cells or context_tokens * arguments.sequences),
                sequences_max=arguments.sequences,
                queue_max=arguments.queue,
                step_tokens=arguments.step_tokens,
                step_s=arguments.step_ms / 1000,
                keeping=Keeping(is_on=not arguments.no_prefix_cache, is_parked=not (has_gpu and model.is_cuttable)),
            )
            cells, sequences, kept = limits.cells, limits.places_max, limits.keeping.in_place
        context = LlamaContext(
            model,
            cells=cells,
            sequences=sequences,
            batch_tokens=limits.batch_tokens,
            threads=threads,
            has_gpu=has_gpu,
            kept=kept,
            cache_type=arguments.cache_type,
            flash_attention=_FLASH_ATTENTION[arguments.flash_attention],
            adapters=adapters,
            embeds=arguments.embeddings,
        )
        projector = None
        if arguments.projector is not None:
            projector = Projector(arguments.projector, model, threads=threads, has_gpu=has_gpu)
    except LoadError as error:
        sys.exit(str(error))
    version = llama_cpp.__version__
    if isinstance(limits, EmbedLimits):
        return EmbeddingBackend(server, model, context, limits, version=version)
    return LlamaBackend(server, model, context, limits, version=version, adapters=tuple(adapters), projector=projector)


def _digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Load, listen, and answer until told to stop."""
    arguments = _arguments()
    confine(arguments.parent)
    if not arguments.model.is_file():
        sys.exit("the model file does not exist")
    if arguments.sha256 and _digest(arguments.model) != arguments.sha256:
        sys.exit("the model file is not the one that the configuration names: its SHA-256 differs; fetch it again")
    server = EngineServer()
    backend = _backend(arguments, server)
    silence_stderr()
    run(server.serve(arguments.socket, backend))
    os._exit(0)  # at once: a step that is being computed in its thread would hold the exit up


if __name__ == "__main__":
    main()
