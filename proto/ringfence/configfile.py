"""Configuration files: TOML into a frozen pydantic model, and errors that say file, line and what to write instead.

Used by daemon and agent alike. Values are read once; a file that does not parse or validate stops the process before
it serves anything (DESIGN.md, invariant 9).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

_TABLE = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+|\"[^\"]*\")\s*=")


class Section(BaseModel):
    """What every table of a configuration file has in common: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True)


class ConfigError(Exception):
    """A configuration file cannot be used; the text has a line for each problem."""


def load(path: Path, model: type[M]) -> M:
    """Read `path` into `model`.

    Raises:
        ConfigError: it cannot be read, is no TOML, or breaks a rule of `model`; every problem is told with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{path}: cannot be read ({reason})") from None
    return parse(text, path, model)


def parse(text: str, path: Path, model: type[M]) -> M:
    """The same for a text that was read from `path`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    try:
        return model.model_validate(document, context={"folder": path.parent})
    except ValidationError as error:
        places = _places(text)
        problems = [_tell(problem, path, places, model) for problem in error.errors(include_url=False)]
        raise ConfigError("\n".join(problems)) from None


def _tell(problem: ErrorDetails, path: Path, places: dict[tuple[str | int, ...], int], model: type[BaseModel]) -> str:
    location = problem["loc"]
    line = _nearest(location, places)
    where = f"{path}:{line}" if line else f"{path}"
    name = _dotted(location)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
        return f"{where}: {name} is not a setting; {hint}"
    if problem["type"] == "missing":
        return f"{where}: {name} is missing; add it"
    # A value may be a secret or a path; only what is asked for is told.
    return f"{where}: {name}: {problem['msg']}"


def _dotted(location: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".") or "the file"


def _nearest(location: tuple[str | int, ...], places: dict[tuple[str | int, ...], int]) -> int:
    """The line of the innermost known place on the way to `location`; 0 for none."""
    for length in range(len(location), 0, -1):
        if location[:length] in places:
            return places[location[:length]]
    return 0


def _places(text: str) -> dict[tuple[str | int, ...], int]:
    """The line, from 1, of every table header and key that stands on a line of its own."""
    places: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    here: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            here = _enter(tuple(part.strip(" \"'") for part in header[2].split(".")), header[1] == "[[", counts)
            places[here] = number
        elif key := _KEY.match(line):
            places.setdefault((*here, key[1].strip('"')), number)
    return places


def _enter(names: tuple[str, ...], is_array: bool, counts: dict[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    """The place that a table header opens; array tables count their elements."""
    here: tuple[str | int, ...] = ()
    for depth, name in enumerate(names):
        here = (*here, name)
        if depth == len(names) - 1 and is_array:
            counts[here] = counts.get(here, 0) + 1
        if here in counts:
            here = (*here, counts[here] - 1)
    return here


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """The settings of the table at `location`, as `model` declares them."""
    current: Any = model
    for step in location:
        if isinstance(step, int):
            continue
        field = current.model_fields.get(step) if isinstance(current, type) and issubclass(current, BaseModel) else None
        current = _inner_model(field.annotation) if field else None
    if isinstance(current, type) and issubclass(current, BaseModel):
        return sorted(current.model_fields)
    return []


def _inner_model(annotation: Any) -> Any:
    """The model inside ``tuple[Model, ...]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None
