"""The engine process for a GGUF model: ``python -m ringfenced.engines.worker --socket PATH --model FILE``.

It holds one model and no secrets, answers on one unix socket that only its user may open, and listens only once the
model is loaded. A defect ends the process: its requests are told by that, and its supervisor starts another.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.confine.walls import Walls
from ringfenced.engines import walls
from ringfenced.engines.confine import confine, silence_stderr
from ringfenced.engines.progress import EXIT_NO_MEMORY, ProgressPipe
from ringfenced.engines.server import Backend, EngineServer, run
from ringfenced.weights import BadModelFile, ModelShape
from ringfenced.weights.dryrun import LoadSettings
from ringfenced.weights.files import verify_model_file
from ringfenced.weights.serving import serving

if TYPE_CHECKING:
    from ringfenced.engines.llama.binding import LlamaModel


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
        "--step-ms", type=int, default=500, help="most time that reading adds to a step while answers run"
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
    parser.add_argument("--progress-fd", type=int, default=-1, help="pipe to tell on how far loading is; -1 for none")
    walls.add_options(parser)
    return parser.parse_args()


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _named(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError("an adapter is NAME=FILE")
    return name, Path(path)


def _walls(arguments: argparse.Namespace) -> Walls:
    adapters = (path for _, path in arguments.adapter)
    projector = (arguments.projector,) if arguments.projector is not None else ()
    return walls.llama(arguments.socket, (arguments.model, *adapters, *projector), has_gpu=arguments.gpu_layers != 0)


def _settings(arguments: argparse.Namespace) -> LoadSettings:
    """What of the arguments is said to llama.cpp as it stands."""
    return LoadSettings(
        cells=0,
        key_type=arguments.cache_type,
        value_type=arguments.cache_type,
        gpu_layers=arguments.gpu_layers,
        tensor_split=tuple(arguments.tensor_split),
        flash_attention=arguments.flash_attention,
    )


def _backend(arguments: argparse.Namespace, server: EngineServer, shape: ModelShape, pipe: ProgressPipe) -> Backend:
    """Load the model; leave with a message where that fails."""
    from ringfenced.engines.llama.binding import LlamaModel, LoadError, OutOfMemory  # noqa: PLC0415  # once confined

    try:
        model = LlamaModel(arguments.model, _settings(arguments), on_progress=pipe.tell)
        pipe.say("warming up")
        build = _embedding if arguments.embeddings else _answering
        return build(arguments, server, model, shape)
    except OutOfMemory as error:
        print(error, file=sys.stderr)  # noqa: T201  # for the launcher, which keeps the last lines
        sys.exit(EXIT_NO_MEMORY)
    except LoadError as error:
        sys.exit(str(error))


def _embedding(arguments: argparse.Namespace, server: EngineServer, model: LlamaModel, shape: ModelShape) -> Backend:
    import llama_cpp  # noqa: PLC0415  # after the process is confined

    from ringfenced.engines.llama.binding import LlamaContext  # noqa: PLC0415  # likewise
    from ringfenced.engines.llama.embed import EmbeddingBackend, EmbedLimits  # noqa: PLC0415

    limits = EmbedLimits(
        context_tokens_max=arguments.context or model.context_trained,
        inputs_max=arguments.sequences,
        queue_max=arguments.queue,
    )
    settings = replace(
        _settings(arguments),
        cells=limits.batch_tokens,
        sequences=limits.inputs_max,
        batch_tokens=limits.batch_tokens,
        embeddings=True,
    )
    context = LlamaContext(model, settings, threads=_threads(arguments), tied_bytes=_tied_bytes(shape))
    return EmbeddingBackend(server, model, context, limits, version=llama_cpp.__version__)


def _answering(arguments: argparse.Namespace, server: EngineServer, model: LlamaModel, shape: ModelShape) -> Backend:
    import llama_cpp  # noqa: PLC0415  # after the process is confined

    from ringfenced.engines.llama.backend import LlamaBackend  # noqa: PLC0415  # likewise
    from ringfenced.engines.llama.batcher import Limits  # noqa: PLC0415
    from ringfenced.engines.llama.binding import LlamaContext  # noqa: PLC0415
    from ringfenced.engines.llama.cache import Keeping  # noqa: PLC0415
    from ringfenced.engines.llama.pictures import Projector  # noqa: PLC0415

    has_gpu = arguments.gpu_layers != 0
    keeping = Keeping(is_on=not arguments.no_prefix_cache, is_parked=not (has_gpu and model.is_cuttable))
    context_tokens = arguments.context or model.context_trained
    settings = serving(
        context_tokens=context_tokens,
        sequences=arguments.sequences,
        cells=arguments.cells,
        step_tokens=arguments.step_tokens,
        is_kept_in_place=bool(keeping.in_place),
        settings=_settings(arguments),
    )
    limits = Limits(
        context_tokens_max=context_tokens,
        cells=settings.cells,
        sequences_max=arguments.sequences,
        queue_max=arguments.queue,
        step_tokens=arguments.step_tokens,
        step_s=arguments.step_ms / 1000,
        keeping=keeping,
    )
    adapters = {name: model.adapter(path) for name, path in arguments.adapter}
    threads = _threads(arguments)
    context = LlamaContext(model, settings, threads=threads, tied_bytes=_tied_bytes(shape), adapters=adapters)
    projector = None
    if arguments.projector is not None:
        projector = Projector(arguments.projector, model, threads=threads, has_gpu=has_gpu)
    version = llama_cpp.__version__
    return LlamaBackend(server, model, context, limits, version=version, adapters=tuple(adapters), projector=projector)


def _threads(arguments: argparse.Namespace) -> int:
    return arguments.threads or len(os.sched_getaffinity(0))


def _tied_bytes(shape: ModelShape) -> int:
    return shape.embeddings_bytes if shape.is_tied else 0


def main() -> None:
    """Load, listen, and answer until told to stop."""
    arguments = _arguments()
    confine(arguments.parent)
    walls.shut_in(_walls(arguments), arguments)
    try:
        file = verify_model_file(arguments.model, arguments.sha256)
    except BadModelFile as error:
        sys.exit(error.message)
    server = EngineServer(arguments.parent)
    pipe = ProgressPipe(arguments.progress_fd)
    backend = _backend(arguments, server, file.shape, pipe)
    pipe.close()
    silence_stderr()
    run(server.serve(arguments.socket, backend))
    os._exit(0)  # at once: a step that is being computed in its thread would hold the exit up


if __name__ == "__main__":
    main()
