"""`ringfence models fit`: whether a model fits, what would have to go, what context would fit; and a file's header."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
import typer

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.models_fit_node import node_loaded, node_memory
from ringfenced.cli.models_fit_report import fit_json, fit_report, header_json, header_report
from ringfenced.cli.models_settings import where
from ringfenced.cli.output import Output, json_option
from ringfenced.library.errors import LibraryError
from ringfenced.schedule.fit import DeviceMemory, Fit, Loaded, fit
from ringfenced.schedule.plan import Gpu, calibrated, compute_bound, dry_run_plan
from ringfenced.weights import BadModelFile, ModelShape
from ringfenced.weights.dryrun import CACHE_TYPES, HOST, DryRunFailed, LoadSettings, answered, ask
from ringfenced.weights.files import read_gguf_file
from ringfenced.weights.folders import read_hf_folder
from ringfenced.weights.serving import serving

DRY_RUN_S: Final = 60
"""How long a dry run may take."""
_SIZE = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?)(?P<binary>i?)B?$", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SHOWN_MAX = 200


def size_of(text: str) -> int:
    """Return a size in bytes: ``24GiB``, ``24G`` (the same), ``500MB``, ``1000000``.

    Raises:
        Failure: it is none.
    """
    match = _SIZE.match(text.strip())
    if match is None:
        raise Failure(f"{text!r} is no size: say, for example, 24GiB", code=ExitCode.USAGE)
    is_decimal = not match["binary"] and text.strip().lower().endswith("b")
    return int(float(match["number"]) * (1000 if is_decimal else 1024) ** _POWERS[match["unit"].lower()])


def fit_command(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A name in the library, a GGUF file, or a folder with config.json.")],
    *,
    context_tokens: Annotated[int, typer.Option("--context", min=1, help="Tokens of each answer and prompt.")] = 4096,
    sequences: Annotated[int, typer.Option(min=1, help="Answers at the same time.")] = 4,
    gpu_layers: Annotated[int, typer.Option(min=-1, help="Layers on GPUs; -1 for all.")] = 0,
    cache_type: Annotated[str, typer.Option("--kv-type", help="How the cache is kept: f16, q8_0, q4_0, …")] = "f16",
    gpus: Annotated[list[str] | None, typer.Option("--gpu", help="Free memory of a GPU, for each; 24GiB.")] = None,
    host: Annotated[str, typer.Option("--host", help="Free memory of the host; what is free here if unset.")] = "",
    node: Annotated[bool, typer.Option("--node", help="Memory and loaded models of the daemon.")] = False,
    is_dry: Annotated[bool, typer.Option("--dry-run/--no-dry-run", help="Ask llama.cpp itself.")] = True,
    as_json: json_option = False,
) -> None:
    """Say whether a model fits, what would have to go, and what context would fit. Nothing is loaded.

    Exit code 1 where it does not fit.

    Example: `ringfence models fit qwen3-8b-q4_k_m.gguf --context 16384 --sequences 8 --gpu-layers -1 --gpu 24GiB`
    """
    if cache_type not in CACHE_TYPES:
        raise Failure(f"there is no cache of type {cache_type}", code=ExitCode.USAGE, advice=(_types(),))
    output = Output.of(as_json=as_json)
    memory: list[DeviceMemory] = []
    loaded: list[Loaded] = []
    if node:
        memory, loaded = node_memory(context.obj), node_loaded(context.obj)
    else:
        free = size_of(host) if host else psutil.virtual_memory().available
        memory.append(DeviceMemory(HOST, free))
        memory += [DeviceMemory(f"CUDA{number}", size_of(size)) for number, size in enumerate(gpus or ())]
    layers = gpu_layers if len(memory) > 1 else 0
    settings = serving(
        context_tokens=context_tokens,
        sequences=sequences,
        is_kept_in_place=layers != 0,
        settings=LoadSettings(0, key_type=cache_type, value_type=cache_type, gpu_layers=layers),
    )
    path = _path_of(model)
    shape = shape_at(path)
    remark = output.remark if is_dry and shape.format == "gguf" else None
    result = fit_of(path, shape, settings, memory, loaded, remark=remark)
    if as_json:
        output.json(fit_json(result, shape))
    else:
        fit_report(output, result, shape)
    if not result.fits:
        raise typer.Exit(ExitCode.FAILED)


def _path_of(model: str) -> Path:
    """Where a model's files are: a path, or what the library has of that name.

    Raises:
        Failure: there is neither.
    """
    path = Path(model)
    if path.exists() or path.name != model:
        return path
    try:
        return where(None, None, None).library.open(model).weights
    except LibraryError as error:
        raise Failure(f"{model}: there is no such file, and {error.message}", code=ExitCode.FAILED) from None


def show_command(
    model: Annotated[str, typer.Argument(help="A GGUF file, the first of its shards, or a folder with config.json.")],
    *,
    as_json: json_option = False,
) -> None:
    """Show what a model's files say of it."""
    output, shape = Output.of(as_json=as_json), shape_at(Path(model))
    if as_json:
        output.json(header_json(shape))
    else:
        header_report(output, shape)


def shape_at(path: Path) -> ModelShape:
    """Return the shape of the model at a path.

    Raises:
        Failure: there is none.
    """
    try:
        return read_hf_folder(path) if path.is_dir() else read_gguf_file(path).shape
    except BadModelFile as error:
        raise Failure(error.message, code=ExitCode.INVALID) from None


def fit_of(
    path: Path,
    shape: ModelShape,
    settings: LoadSettings,
    memory: Sequence[DeviceMemory],
    loaded: Sequence[Loaded] = (),
    *,
    remark: Callable[[str], Any] | None = None,
) -> Fit:
    """Say whether a model fits, by a dry run where there is llama.cpp and no GPU that is only spoken of.

    Args:
        path: the GGUF file.
        shape: what it says of the model.
        settings: how it would be loaded.
        memory: host and GPUs.
        loaded: what could go.
        remark: where to say why there was no dry run; None for not to try one.
    """
    gpus = tuple(Gpu(each.device, each.free_bytes) for each in memory if each.device != HOST)
    bound = compute_bound(gpus)
    if remark is None or settings.gpu_layers:
        return fit(shape, settings, memory, loaded, compute=bound)
    try:
        (uses,) = dry_run(path, (settings,))
    except DryRunFailed as error:
        remark(f"computed without a dry run of llama.cpp: {error}")
        return fit(shape, settings, memory, loaded, compute=bound)
    if uses is None:
        return fit(shape, settings, memory, loaded, compute=bound)
    tried = [(settings, uses)]
    return fit(shape, settings, memory, loaded, compute=calibrated(bound, tried), planned=dry_run_plan(settings, uses))


def dry_run(path: Path, settings: Sequence[LoadSettings]) -> Any:
    """Ask a throw-away process of llama.cpp.

    Raises:
        DryRunFailed: there is no answer.
    """
    command = (sys.executable, "-P", "-m", "ringfenced.engines.llama.probe", str(os.getpid()))
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            command, input=ask(str(path.resolve()), settings), capture_output=True, timeout=DRY_RUN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DryRunFailed(type(error).__name__) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise DryRunFailed(lines[-1][:_SHOWN_MAX])
    return answered(done.stdout, len(settings))


def _types() -> str:
    return f"take one of {', '.join(CACHE_TYPES)}"
