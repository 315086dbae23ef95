"""Configuration files: TOML into a frozen pydantic model, and errors that say file, line and what to write instead.

Used by daemon and agent alike. A file is read once; one that does not parse or validate stops the process before it
serves anything (DESIGN.md, invariant 9). No value of a file is ever repeated: a secret may stand where it should not.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

M = TypeVar("M", bound=BaseModel)

_HEADER: Final = re.compile(r"^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}")
_KEY: Final = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")

Location = tuple[int | str, ...]


class Section(BaseModel):
    """What every table of a configuration file has in common: frozen, unknown keys are refused, numbers are finite.

    TOML has ``inf`` and ``nan``; what is expected of a target whose time is either is no number, and late for nobody.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True, allow_inf_nan=False
    )


class ConfigError(Exception):
    """The file cannot be used; the text has a line for each problem: file, line and what to write instead."""


def load(path: Path, model: type[M]) -> M:
    """Read `path` into `model`.

    Raises:
        ConfigError: it cannot be read, is no TOML, or breaks a rule of `model`.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; see docs/configuration.md for what to write there") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8; save it as UTF-8") from None
    return parse(text, path, model)


def parse(text: str, path: Path, model: type[M]) -> M:
    """The same for a text that stands, or would stand, in `path`; validators find its folder as their context."""
    try:
        return model.model_validate(tomllib.loads(text), context=path.resolve().parent)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(path, error)) from None
    except ValidationError as error:
        raise ConfigError(_explain(path, text, error, model)) from None


def _syntax(path: Path, error: tomllib.TOMLDecodeError) -> str:
    """The text for a file that is no TOML; the parser names the line."""
    where = re.search(r"line (\d+)", str(error))
    return f"{path}:{where.group(1) if where else 1}: this is no TOML: {error}"


def _explain(path: Path, text: str, error: ValidationError, model: type[BaseModel]) -> str:
    """The text for a file that parses and does not fit: one line for each thing that is wrong.

    Args:
        path: the file.
        text: its content; no value of it is repeated, for a secret may stand where it should not.
        error: what pydantic found.
        model: what the whole file should be.
    """
    lines = []
    for one in error.errors(include_url=False, include_input=False):
        location = tuple(part for part in one["loc"] if part != "[key]")
        field, siblings = _field(model, location)
        if one["type"] == "extra_forbidden":
            what = _unknown(str(location[-1]), siblings)
        elif one["type"] == "missing":
            what = f"is missing. {_description(field)}"
        else:
            what = f"{one['msg'].removeprefix('Value error, ')}. {_description(field)}"
        lines.append(f"{path}:{line_of(text, location)}: {_dotted(location)}: {what.rstrip()}")
    return "\n".join(lines)


def line_of(text: str, location: Location) -> int:
    """The line, from 1, of a key, or of the nearest thing around it that stands in the file."""
    best, depth = 1, 0
    table: Location = ()
    arrays: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header.group(1))
            if line.lstrip().startswith("[["):
                arrays[table] = arrays.get(table, -1) + 1
                table = (*table, arrays[table])
            elif table[:1] in arrays:
                table = (*table[:1], arrays[table[:1]], *table[1:])
            here = table
        elif key := _KEY.match(line):
            here = (*table, *_parts(key.group(1)))
        else:
            continue
        if len(here) > depth and here == location[: len(here)]:
            best, depth = number, len(here)
    return best


def _parts(dotted: str) -> Location:
    """``a."b".c`` taken apart."""
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _dotted(location: Location) -> str:
    """For example ``providers[0].clearance.level``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _field(model: type[BaseModel], location: Location) -> tuple[FieldInfo | None, tuple[str, ...]]:
    """The field at `location` and the names that may stand beside it."""
    current: type[BaseModel] | None = model
    field: FieldInfo | None = None
    siblings: tuple[str, ...] = ()
    for part in location:
        if isinstance(part, int) or current is None:
            continue
        siblings = tuple(current.model_fields)
        field = current.model_fields.get(part)
        current = _model_in(field.annotation) if field else None
    return field, siblings


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The table that a field holds, also one of many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := _model_in(argument):
            return found
    return None


def _unknown(name: str, siblings: tuple[str, ...]) -> str:
    """What to write instead of a name that nobody knows."""
    near = difflib.get_close_matches(name, siblings, n=1)
    return f"is unknown; write {near[0]}" if near else f"is unknown; remove it, or write one of {', '.join(siblings)}"


def _description(field: FieldInfo | None) -> str:
    """What the field is for, in one line."""
    return " ".join((field.description or "").split()) if field else ""
