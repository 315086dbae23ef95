"""What models and their files may be called, and which files are weights. Pure.

A name comes from a hub, a registry, a bundle or an operator, and becomes a path: it is checked before anything is
opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from ringfenced.library.errors import Refused

NAME_CHARS_MAX: Final = 128
"""As in the daemon's configuration."""
PATH_CHARS_MAX: Final = 200
"""Longer than any model's; a tar file's header holds 255 with the model's name (POSIX.1-1988)."""
PATH_PARTS_MAX: Final = 4
"""No model that we know nests its files deeper."""
FILES_MAX: Final = 1024
"""The largest models have some 200 files."""
FILE_BYTES_MAX: Final = 2 * 2**40
"""2 TiB: what is larger is no model's file."""
MANIFEST: Final = "manifest.json"
"""Each model's own description; no file of a model has this name."""
QUARANTINE: Final = "quarantine"
"""Where everything waits that has not been verified; no model has this name."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*")
_PART: Final = re.compile(r"[A-Za-z0-9_(\[][A-Za-z0-9_.,+=@()\[\] \-]*")
_SHARD: Final = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.[a-z]+)")
"""How both llama.cpp and Hugging Face name the parts of a model that is split."""
_PICKLES: Final = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".msgpack", ".npy", ".npz"})
"""What Python's pickle reads, or what is commonly written with it."""
_PROGRAMS: Final = frozenset({".py", ".sh", ".so", ".dll", ".dylib", ".exe", ".js", ".whl", ".zip", ".tar", ".gz"})
"""What could be run, or hides what could."""


class Format(StrEnum):
    """How weights are kept."""

    GGUF = "gguf"
    """llama.cpp's: one file, or several that are parts of one."""
    SAFETENSORS = "safetensors"
    """Hugging Face's: a folder with weights, configuration and tokenizer."""


def checked_name(name: str) -> str:
    """A model's name, if it can be one.

    Raises:
        Refused: it cannot.
    """
    if not _NAME.fullmatch(name) or len(name) > NAME_CHARS_MAX or name == QUARANTINE:
        raise Refused(
            f"{_shown(name)} is no name for a model",
            f"use letters, digits, dots, dashes and underscores, at most {NAME_CHARS_MAX}, and not {QUARANTINE!r}",
        )
    return name


def checked_path(path: str) -> str:
    """A file's path within its model's folder, if it can be one.

    Raises:
        Refused: it leads elsewhere, is hidden, or bears a name of ours; or it is a file that can hold a program.
    """
    parts = path.split("/")
    if (
        len(path) > PATH_CHARS_MAX
        or len(parts) > PATH_PARTS_MAX
        or not all(_PART.fullmatch(part) and not part.endswith((".", " ")) for part in parts)
        or path == MANIFEST
    ):
        raise Refused(
            f"{_shown(path)} is no path for a model's file",
            "it must be relative, at most four names deep, not hidden, without links, and of plain characters",
        )
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _PICKLES:
        raise Refused(
            f"{path} is refused: a {suffix} file can hold Python pickles, and loading one runs what it holds",
            "take the same model as safetensors or GGUF",
        )
    if suffix in _PROGRAMS:
        raise Refused(f"{path} is refused: a {suffix} file can hold a program; a model here is data and nothing else")
    return path


def checked_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths of one model's files, if they can stand beside each other.

    Raises:
        Refused: one cannot be a path, two are the same (upper and lower case count alike), one is another's folder,
            or there are none or too many.
    """
    checked = tuple(checked_path(path) for path in paths)
    if not 0 < len(checked) <= FILES_MAX:
        raise Refused(f"a model has 1 to {FILES_MAX} files, this one has {len(checked)}")
    seen = {path.lower() for path in checked}
    if len(seen) < len(checked):
        raise Refused("two files of this model bear one name")
    folders = {str(parent).lower() for path in checked for parent in PurePosixPath(path).parents}
    if folders & seen:
        raise Refused("one file of this model bears the name of another's folder")
    return checked


def format_of(paths: Iterable[str]) -> Format:
    """How a model with these files keeps its weights.

    Raises:
        Refused: it has none, or of both kinds.
    """
    suffixes = {PurePosixPath(path).suffix.lower() for path in paths}
    found = [each for each in Format if f".{each.value}" in suffixes]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused("these files are a GGUF and a safetensors model at once", "take one of them: --file '*.gguf'")
    raise Refused("there are no weights among these files", "weights are .gguf or .safetensors files")


def is_weights(path: str) -> bool:
    """Whether this file holds tensors."""
    return PurePosixPath(path).suffix.lower() in {f".{each.value}" for each in Format}


def is_projector(path: str) -> bool:
    """Whether a GGUF file holds what turns pictures into tokens, beside a model; by llama.cpp's habit of naming it."""
    name = PurePosixPath(path).name.lower()
    return name.startswith("mmproj") and name.endswith(".gguf")


def whole(path: str) -> str:
    """What this file is part of: a split model's name without the number, else the path itself."""
    shard = _SHARD.fullmatch(path)
    return f"{shard['stem']}{shard['suffix']}" if shard else path


def missing_shards(paths: Iterable[str]) -> tuple[str, ...]:
    """The parts of split models that are not among these files."""
    have = set(paths)
    missing = []
    for path in sorted(have):
        if shard := _SHARD.fullmatch(path):
            count = min(int(shard["count"]), FILES_MAX)
            wanted = (f"{shard['stem']}-{one:05d}-of-{shard['count']}{shard['suffix']}" for one in range(1, count + 1))
            missing += [name for name in wanted if name not in have and name not in missing]
    return tuple(missing)


def first_weights(paths: Iterable[str]) -> str | None:
    """The GGUF file that llama.cpp is to be pointed at: the first part of the model; None where there is none."""
    models = sorted(path for path in paths if is_weights(path) and not is_projector(path))
    return models[0] if models else None


def _shown(text: str) -> str:
    """A name as it may stand in a message."""
    return ascii(text[:NAME_CHARS_MAX])
