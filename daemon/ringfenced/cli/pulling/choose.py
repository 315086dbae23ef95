"""Which of a source's files make a model, and what it is called. Pure.

Rules, in order:

1. What --file names is taken, and nothing else; a part of a split model brings the other parts.
2. Else, of GGUF files: the one model that there is, whole. Several are several quantisations: the operator says which.
3. Else, of safetensors: all weights of the top folder, with configuration, tokenizer, chat template and licence.
4. Pickles are never taken, and a source that has nothing else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.pulling.listing import Listing, Wanted, groups
from ringfenced.library.names import NAME_CHARS_MAX, QUARANTINE, is_projector, is_weights, whole

_SHOWN_MAX: Final = 30
_BESIDE: Final = (
    "*.json",
    "*.jinja",
    "*.model",
    "*.tiktoken",
    "merges.txt",
    "vocab.txt",
    "LICENSE*",
    "LICENCE*",
    "NOTICE*",
)
"""What Transformers and vLLM read beside safetensors weights, and what a licence asks to be kept."""
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._\-]+")
_PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt")


def choose(listing: Listing, globs: Sequence[str]) -> tuple[Wanted, ...]:
    """The files to fetch.

    Args:
        listing: what the source holds.
        globs: --file, matched against whole paths; empty for the rules above.

    Raises:
        Failure: there is no model, or more than one.
    """
    if globs:
        return _named(listing, globs)
    ggufs = [one for one in listing.files if one.path.lower().endswith(".gguf") and not is_projector(one.path)]
    tensors = [one for one in listing.files if one.path.endswith(".safetensors") and "/" not in one.path]
    models = groups(ggufs)
    if len(models) > 1 or (models and tensors):
        raise _several(listing, [*models, *(["*.safetensors and *.json, without *.gguf"] if tensors else [])])
    if models:
        return _sorted(ggufs + [one for one in listing.files if _is_licence(one.path)])
    if tensors:
        beside = [one for one in listing.files if "/" not in one.path and _goes_along(one.path)]
        return _sorted(tensors + beside)
    raise _none(listing)


def name_for(listing: Listing, chosen: Sequence[Wanted]) -> str:
    """What to call the model where the operator does not say: as the one GGUF model's file, else as the source."""
    models = {whole(one.path) for one in chosen if is_weights(one.path) and not is_projector(one.path)}
    only = next(iter(models)) if len(models) == 1 else ""
    generic = PurePosixPath(only).stem.lower() in {"model", "weights", "consolidated"}
    text = PurePosixPath(only).stem if only.lower().endswith(".gguf") and not generic else listing.name
    name = _NOT_IN_NAMES.sub("-", text).strip("-._")[:NAME_CHARS_MAX]
    return name if name and name != QUARANTINE else "model"


def _named(listing: Listing, globs: Sequence[str]) -> tuple[Wanted, ...]:
    chosen: dict[str, Wanted] = {}
    parts = groups(listing.files)
    for glob in globs:
        found = [one for one in listing.files if fnmatchcase(one.path, glob)]
        if not found:
            raise Failure(
                f"{listing.source} holds no file that fits {glob}",
                code=ExitCode.INVALID,
                advice=(f"it holds: {_list([one.path for one in listing.files])}",),
            )
        for one in found:
            chosen |= {part.path: part for part in parts[whole(one.path)]}
    return _sorted(chosen.values())


def _several(listing: Listing, models: Sequence[str]) -> Failure:
    return Failure(
        f"{listing.source} holds {len(models)} models",
        code=ExitCode.INVALID,
        advice=("say which with --file, for example --file '*Q4_K_M*'; there are:", *_lines(models)),
    )


def _none(listing: Listing) -> Failure:
    pickles = [one.path for one in listing.files if one.path.lower().endswith(_PICKLES)]
    if pickles:
        return Failure(
            f"{listing.source} holds its weights as Python pickles ({_list(pickles[:3])}), which are refused:"
            " loading one runs what it holds",
            code=ExitCode.INVALID,
            advice=("take the same model as safetensors or GGUF; many hubs keep a revision or a fork of that kind",),
        )
    return Failure(
        f"{listing.source} holds no weights",
        code=ExitCode.INVALID,
        advice=("weights are .gguf or .safetensors files", f"it holds: {_list([one.path for one in listing.files])}"),
    )


def _goes_along(path: str) -> bool:
    return any(fnmatchcase(path, glob) for glob in _BESIDE)


def _is_licence(path: str) -> bool:
    return "/" not in path and fnmatchcase(path, "LICEN[SC]E*") and not path.lower().endswith(_PICKLES)


def _sorted(files: Iterable[Wanted]) -> tuple[Wanted, ...]:
    return tuple(sorted(files, key=lambda one: one.path))


def _lines(models: Sequence[str]) -> tuple[str, ...]:
    more = (f"  and {len(models) - _SHOWN_MAX} more",) if len(models) > _SHOWN_MAX else ()
    return (*(f"  {model}" for model in sorted(models)[:_SHOWN_MAX]), *more)


def _list(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_SHOWN_MAX]) + (", ..." if len(paths) > _SHOWN_MAX else "") if paths else "nothing"
