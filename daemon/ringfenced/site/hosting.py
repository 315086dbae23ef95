"""What the configuration says of models, as the engines that are to run: programs, memory, files of the library."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ringfence.configfile import ConfigError
from ringfence.confine.settings import Confine
from ringfenced.config import Config, LocalModel
from ringfenced.device import DeviceFacts
from ringfenced.engines.launch import EngineKind, EngineSpec
from ringfenced.errors import NotFound, Unavailable, Unsupported
from ringfenced.library.errors import LibraryError, NotThere
from ringfenced.library.folder import Library
from ringfenced.library.signing import public_key
from ringfenced.schedule.fit import planned_ways
from ringfenced.schedule.footprint import PROCESS_BYTES, Appetite, groups, ways
from ringfenced.schedule.plan import Gpu
from ringfenced.weights import BadModelFile
from ringfenced.weights.dryrun import HOST, LoadSettings
from ringfenced.weights.files import read_gguf_file
from ringfenced.weights.serving import BATCH_TOKENS_MIN, PARKED_BYTES_MAX, serving


def engine_specs(config: Config, devices: Sequence[DeviceFacts]) -> tuple[EngineSpec, ...]:
    """What the supervisor must start for each model of the file, and on which of the devices it could be.

    Args:
        config: the file.
        devices: what a model may be placed on; none where somebody else places them.

    Raises:
        ConfigError: a model comes from the library, and is not there as it came.
    """
    library = _library(config)
    return tuple(_placed_spec(config, _found(model, library), devices) for model in config.models)


def attached_specs(config: Config) -> tuple[EngineSpec, ...]:
    """What a worker process must know of each model: engines are another's, and no file is looked at."""
    gather_ms = round(config.streams.coalesce_ms)
    return tuple(EngineSpec(model.name, EngineKind(model.engine), (), gather_ms=gather_ms) for model in config.models)


def other_weights(
    config: Config, devices: Callable[[], Sequence[DeviceFacts]]
) -> Callable[[str, str], EngineSpec] | None:
    """A model's program with other weights, those of a name in the library; None where there is no library."""
    library = _library(config)
    if library is None:
        return None
    models = {model.name: model for model in config.models}

    def weights(name: str, entry: str) -> EngineSpec:
        if models[name].engine == "command":
            raise Unsupported("The model's engine is a command of the configuration: change it there.", model=name)
        try:
            found = _opened(models[name].model_copy(update={"path": None, "library": entry, "sha256": ""}), library)
        except NotThere as error:
            raise NotFound(f"{error}", model=name) from error
        except (LibraryError, OSError) as error:
            raise Unavailable(f"The library does not give it: {error}", reason="library_refused", model=name) from error
        return _placed_spec(config, found, devices())

    return weights


def _library(config: Config) -> Library | None:
    """The library, with the keys that vouch for what is in it.

    Raises:
        ConfigError: a signer's key cannot be read.
    """
    if config.library is None:
        return None
    try:
        signers = tuple(public_key(path.read_bytes()) for path in config.library.signers)
    except (OSError, ValueError, LibraryError) as error:
        raise ConfigError(f"library.signers: {error}") from error
    return Library(config.library.folder, signers, stamps_folder=config.state / "library")


def _found(model: LocalModel, library: Library | None) -> LocalModel:
    """A model with the path of its weights, where it comes from the library; read whole if they have changed.

    Raises:
        ConfigError: it is not there, or not as it came.
    """
    if not model.library or library is None:
        return model
    try:
        return _opened(model, library)
    except (LibraryError, OSError) as error:
        raise ConfigError(f"model {model.name}: {error}") from error


def _opened(model: LocalModel, library: Library) -> LocalModel:
    entry = library.open(model.library)
    projector = model.projector or (entry.projector if model.engine == "llama.cpp" else None)
    return model.model_copy(update={"path": entry.weights, "projector": projector})


def _placed_spec(config: Config, model: LocalModel, devices: Sequence[DeviceFacts]) -> EngineSpec:
    path = model.path
    return replace(
        _shut_in(_engine_spec(model, config.state), config.confine),
        gather_ms=round(config.streams.coalesce_ms),
        preload=model.preload,
        pin=model.pin,
        rank=model.rank,
        idle_unload_s=float(model.idle_unload_s),
        replicas=model.replicas,
        load_timeout_s=float(model.load_timeout_s),
        ways=footprint(model, devices),
        context_tokens=model.context_tokens if model.engine == "llama.cpp" and not model.cache_tokens else 0,
        tells_progress=model.engine != "command",
        is_bounded=model.engine == "llama.cpp" or bool(model.memory_bytes),
        weights=path.name if path is not None else model.library,
    )


def footprint(model: LocalModel, devices: Sequence[DeviceFacts]) -> tuple[Mapping[str, int], ...]:
    """What one engine of a model takes, in bytes by device; several ways where it could be placed in several.

    From the model's own figures where they can be read and nobody says otherwise, else from its files' size.
    """
    gpus = 0
    if model.engine == "vllm":
        gpus = model.vllm.tensor_parallel * model.vllm.pipeline_parallel
    elif model.gpu_layers:
        gpus = max(1, len(model.tensor_split))
    appetite = Appetite(
        weights_bytes=_size(model.path),
        cells=_load_settings(model).cells,
        memory_bytes=model.memory_bytes,
        gpus=gpus,
        gpu_share=model.vllm.memory_share if model.engine == "vllm" else None,
        devices=model.devices,
        host_bytes=model.memory_bytes if model.engine == "vllm" and model.memory_bytes else PROCESS_BYTES,
    )
    if model.engine == "llama.cpp" and not model.memory_bytes and model.path is not None:
        with suppress(BadModelFile):  # the engine, which reads it too, says what is wrong with it
            shape = read_gguf_file(model.path).shape
            known = [[Gpu(d.id, d.memory_free_bytes or 0) for d in group] for group in groups(appetite, devices)]
            settings = _load_settings(model, is_cuttable=not any(layer.state_bytes for layer in shape.layers))
            return tuple(_with_more(model, way) for way in planned_ways(shape, settings, known or [[]]))
    return ways(appetite, devices)


def _with_more(model: LocalModel, way: Mapping[str, int]) -> Mapping[str, int]:
    """What comes to a model's own memory: its projector and adapters, beside it; what is kept outside its cache."""
    files = [*filter(None, (model.projector,)), *(adapter.path for adapter in model.adapters)]
    more = sum(_size(path) or 0 for path in files)
    device = next((name for name in way if name != HOST), HOST)
    kept = PARKED_BYTES_MAX if device == HOST and model.prefix_cache and not model.embeddings else 0
    return {**way, device: way.get(device, 0) + more + kept}


def _size(path: Path | None) -> int | None:
    """Bytes of a model's file or folder; None where there is none, which the engine will tell."""
    if path is None or not path.exists():
        return None
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _load_settings(model: LocalModel, *, is_cuttable: bool = True) -> LoadSettings:
    """How llama.cpp is to load a model, as its engine will; one that cannot be cut is never kept in the cache."""
    rest = LoadSettings(
        cells=0,
        key_type=model.cache_type,
        value_type=model.cache_type,
        gpu_layers=model.gpu_layers,
        tensor_split=model.tensor_split,
        flash_attention=model.flash_attention,
    )
    if model.embeddings:
        tokens = max(model.context_tokens, BATCH_TOKENS_MIN)
        return replace(rest, cells=tokens, sequences=model.sequences, batch_tokens=tokens, embeddings=True)
    return serving(
        context_tokens=model.context_tokens,
        sequences=model.sequences,
        cells=model.cache_tokens,
        step_tokens=model.step_tokens,
        is_kept_in_place=model.prefix_cache and model.gpu_layers != 0 and is_cuttable,
        settings=rest,
    )


def _shut_in(spec: EngineSpec, settings: Confine) -> EngineSpec:
    """The same with how it shuts itself in; a program of the site's own has the daemon's walls alone."""
    if spec.kind is EngineKind.COMMAND:
        return spec
    walls = () if settings.apply else ("--no-walls",)
    return replace(spec, arguments=(*spec.arguments, *walls, "--self-test", settings.self_test))


def _engine_spec(model: LocalModel, state: Path) -> EngineSpec:
    if model.engine == "command":
        return EngineSpec(model.name, EngineKind.COMMAND, model.command)
    if model.engine == "vllm":
        # A folder each: what one engine compiled there, another that shared it would run.
        return _vllm_spec(model, state / "vllm" / model.name)
    arguments = (
        *("--model", str(model.path)),
        *("--context", str(model.context_tokens)),
        *("--sequences", str(model.sequences)),
        *("--queue", str(model.waiting)),
        *("--threads", str(model.threads)),
        *("--gpu-layers", str(model.gpu_layers)),
        *("--cells", str(model.cache_tokens)),
        *("--step-tokens", str(model.step_tokens)),
        *("--cache-type", model.cache_type),
        *("--flash-attention", model.flash_attention),
        *(("--tensor-split", ",".join(map(str, model.tensor_split))) if model.tensor_split else ()),
        *(argument for adapter in model.adapters for argument in ("--adapter", f"{adapter.name}={adapter.path}")),
        *(("--projector", str(model.projector)) if model.projector else ()),
        *(("--embeddings",) if model.embeddings else ()),
        *(() if model.prefix_cache else ("--no-prefix-cache",)),
        *(("--sha256", model.sha256) if model.sha256 else ()),
    )
    return EngineSpec(model.name, EngineKind.LLAMA_CPP, arguments)


def _vllm_spec(model: LocalModel, cache: Path) -> EngineSpec:
    vllm = model.vllm
    arguments = (
        *("--model", str(model.path)),
        *("--cache", str(cache)),
        *("--context", str(model.context_tokens)),
        *("--sequences", str(model.sequences)),
        *("--queue", str(model.waiting)),
        *("--threads", str(model.threads)),
        *("--tensor-parallel", str(vllm.tensor_parallel)),
        *("--pipeline-parallel", str(vllm.pipeline_parallel)),
        *("--memory-share", str(vllm.memory_share)),
        *(() if model.prefix_cache else ("--no-prefix-cache",)),
        *(("--embeddings",) if model.embeddings else ()),
        *(("--no-logprobs",) if model.logprob_floor is None else ()),
        *(argument for adapter in model.adapters for argument in ("--adapter", f"{adapter.name}={adapter.path}")),
        *(part for name, value in vllm.arguments.items() for part in ("--argument", f"{name}={json.dumps(value)}")),
    )
    return EngineSpec(
        model.name, EngineKind.VLLM, arguments, interpreter=str(vllm.python) if vllm.python is not None else ""
    )
