"""A fit and a model's header, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from ringfenced.cli.output import Output
from ringfenced.schedule.fit import Fit
from ringfenced.weights.architectures import KNOWN
from ringfenced.weights.shape import ModelShape

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
_UNKNOWN: Final = "-"


def size_text(size: int) -> str:
    """Return a size as people read it: three figures or so."""
    amount, unit = float(size), _UNITS[0]
    for unit in _UNITS:
        if abs(amount) < _STEP or unit == _UNITS[-1]:
            break
        amount /= _STEP
    return f"{amount:,.0f} {unit}" if unit == "B" else f"{amount:,.2f} {unit}"


def fit_report(output: Output, result: Fit, shape: ModelShape) -> None:
    """Write whether a model fits: a table by device, and what to do."""
    settings, plan = result.plan.settings, result.plan
    how = "dry run of llama.cpp" if plan.is_dry_run else "computed; compute buffers at most"
    contexts = settings.contexts or settings.sequences
    title = f"{settings.cells:,} tokens of {settings.key_type} cache, {contexts} contexts ({how})"
    uses = {use.device: use for use in plan.uses}
    rows = []
    for device in result.devices:
        use = uses.get(device.device)
        if use is None or not use.bytes:
            continue
        verdict = f"short of {size_text(device.short_bytes)}" if device.short_bytes else "fits"
        process = device.needed_bytes - use.bytes
        parts = (use.weights_bytes, use.cache_bytes, use.compute_bytes, process, device.needed_bytes)
        rows.append((device.device, *map(size_text, (*parts, device.available_bytes)), verdict))
    columns = ("device", "weights", "cache", "compute", "process", "needed", "free", "")
    output.table(title, columns, rows, right=frozenset(columns[1:-1]))
    for line in _advice(result, shape):
        output.line(line)


def _advice(result: Fit, shape: ModelShape) -> list[str]:
    """Return what to say below the table."""
    lines = []
    if result.refusal:
        lines.append(f"llama.cpp refuses it: {result.refusal}.")
    if result.evict:
        lines.append(f"It would fit if these were unloaded: {', '.join(result.evict)}.")
    elif result.evict is None:
        lines.append("No loaded model could give enough back.")
    if result.context_tokens is None:
        lines.append("Not even a context of 256 tokens a sequence fits.")
    else:
        trained = f", of {shape.context_trained:,} that it was trained for" if shape.context_trained else ""
        lines.append(f"Longest context of each sequence that fits: {result.context_tokens:,} tokens{trained}.")
    if not shape.is_cache_known and not result.plan.is_dry_run:
        lines.append(f"The cache of {shape.architecture} is not known here: the figure may be wrong; use a dry run.")
    return lines


def fit_json(result: Fit, shape: ModelShape) -> dict[str, Any]:
    """Return a fit for programs."""
    return {
        "fits": result.fits,
        "dryRun": result.plan.is_dry_run,
        "settings": asdict(result.plan.settings),
        "uses": [asdict(use) for use in result.plan.uses],
        "devices": [asdict(device) | {"short_bytes": device.short_bytes} for device in result.devices],
        "evict": None if result.evict is None else list(result.evict),
        "contextTokens": result.context_tokens,
        "refusal": result.refusal,
        "cacheKnown": shape.is_cache_known,
    }


def header_report(output: Output, shape: ModelShape) -> None:
    """Write what a model's files say of it."""
    output.table("", ("", ""), [(name, text) for name, text in _facts(shape) if text])


def _facts(shape: ModelShape) -> list[tuple[str, str]]:
    """Return names and texts; an empty text for what there is not to say."""
    is_gguf = shape.format == "gguf"
    known = "" if not is_gguf or shape.architecture in KNOWN else ", which this llama.cpp may not know"
    cached = [layer for layer in shape.layers if layer.key_elements]
    windowed = sum(layer.is_windowed for layer in cached)
    states = sum(1 for layer in shape.layers if layer.state_bytes)
    cache = sum(layer.key_elements + layer.value_elements for layer in cached) * 2
    return [
        ("format", shape.format),
        ("architecture", shape.architecture + known),
        ("parameters", _count(shape.parameters)),
        ("weights", f"{size_text(shape.weights_bytes)}, mostly {shape.quantization}"),
        ("not loaded", size_text(shape.unused_bytes) if shape.unused_bytes else ""),
        ("layers", str(len(shape.layers))),
        ("with a window", f"{windowed}, of {shape.window:,} tokens" if windowed and shape.window else ""),
        ("with a recurrent state", str(states) if states else ""),
        ("embedding", f"{shape.embedding:,}"),
        ("heads", f"{shape.heads} of {shape.head_elements}" if shape.heads else ""),
        ("experts", f"{shape.experts}, {shape.experts_used} for each token" if shape.experts else ""),
        ("vocabulary", _UNKNOWN if shape.vocabulary is None else f"{shape.vocabulary:,}"),
        ("context trained", _UNKNOWN if shape.context_trained is None else f"{shape.context_trained:,}"),
        ("cache of a token", f"{size_text(cache)} in 16 bits" if cache else "none"),
        ("pooling", shape.pooling or ""),
        ("chat template", "yes" if shape.has_chat_template else "no"),
        ("projector", "yes: it reads pictures for another model" if shape.is_projector else ""),
    ]


def header_json(shape: ModelShape) -> dict[str, Any]:
    """Return a shape for programs."""
    return asdict(shape) | {"weights_bytes": shape.weights_bytes, "is_embedding": shape.is_embedding}


def _count(number: int) -> str:
    for power, letter in ((12, "T"), (9, "B"), (6, "M")):
        if number >= 10**power:
            return f"{number / 10**power:,.2f} {letter}"
    return f"{number:,}"
