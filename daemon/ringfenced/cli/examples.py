"""A site's labelled examples: what must be found in a text, which label it must have, or that it is clean.

TOML with ``[[example]]`` tables, or JSON lines (a file that ends in ``.jsonl``) with one object each:

    name        for the report; the line where there is none
    text        what is scanned
    finds       pieces that must lie in a finding wherever they stand: "Jane Doe", {type = "PERSON", text = "Jane Doe"}
    keeps       pieces that must lie in no finding
    label       the level that the text must have: PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED
    categories  the categories that it must have, all of them
    clean       true: nothing is found at all
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ringfence.labels import Category, Level
from ringfence.recognize.entities import ENTITIES
from ringfenced.cli.exits import ExitCode, Failure

_HEADER: Final = re.compile(r"\s*\[\[\s*example\s*\]\]")
_TOML_LINE: Final = re.compile(r"line (\d+)")


class Piece(BaseModel):
    """A piece of the text that must be found."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    text: str = Field(min_length=1)
    type: str = ""
    """An entity type; empty for any."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> Piece:
        if self.type and self.type not in ENTITIES:
            raise ValueError(f"type: write one of {', '.join(ENTITIES)}")
        return self


class Example(BaseModel):
    """One example as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = ""
    text: str = Field(min_length=1)
    finds: tuple[Piece, ...] = ()
    keeps: tuple[str, ...] = ()
    label: str = ""
    categories: frozenset[Category] | None = None
    clean: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Example:
        pieces = (*(piece.text for piece in self.finds), *self.keeps)
        if any(piece not in self.text for piece in pieces):
            raise ValueError("finds and keeps: copy each piece exactly as it stands in text")
        if self.label and self.label not in Level.__members__:
            raise ValueError(f"label: write one of {', '.join(Level.__members__)}")
        if self.clean and self.finds:
            raise ValueError("a clean text finds nothing; remove one of clean and finds")
        if not (pieces or self.label or self.categories is not None or self.clean):
            raise ValueError("says nothing to check; write finds, keeps, label, categories or clean")
        return self


@dataclass(frozen=True, slots=True)
class Placed:
    """An example and where it stands."""

    line: int
    """Its line in the file."""
    example: Example
    """What it says."""

    @property
    def title(self) -> str:
        """Its name, or its line."""
        return self.example.name or f"line {self.line}"


def read_examples(path: Path) -> tuple[Placed, ...]:
    """All examples of a file.

    Raises:
        Failure: it cannot be read, or an example makes no sense; names the line, repeats no text.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise Failure(f"{path}: cannot be read: {error.strerror}", code=ExitCode.USAGE) from None
    except UnicodeDecodeError:
        raise Failure(f"{path}: is not UTF-8; save it as UTF-8", code=ExitCode.USAGE) from None
    rows = _json_lines(path, text) if path.suffix == ".jsonl" else _toml(path, text)
    placed = tuple(Placed(line, _example(path, line, values)) for line, values in rows)
    if not placed:
        raise Failure(
            f"{path}: holds no example; write [[example]] tables, or JSON lines in a .jsonl file", code=ExitCode.USAGE
        )
    return placed


def _toml(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        raise Failure(f"{path}:{line.group(1) if line else 1}: is no TOML", code=ExitCode.USAGE) from None
    tables = document.get("example", [])
    if set(document) - {"example"} or not isinstance(tables, list):
        raise Failure(f"{path}:1: must hold [[example]] tables and nothing else", code=ExitCode.USAGE)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    for index, values in enumerate(tables):
        yield lines[index] if index < len(lines) else 1, values


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                raise Failure(f"{path}:{number}: is no JSON object", code=ExitCode.USAGE) from None


def _example(path: Path, line: int, values: Any) -> Example:
    try:
        return Example.model_validate(values)
    except ValidationError as error:
        said = []
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            where = ".".join(str(part) for part in one["loc"])
            said.append(f"{where}: {one['msg']}" if where else one["msg"].removeprefix("Value error, "))
        raise Failure(f"{path}:{line}: {said[0]}", code=ExitCode.USAGE, advice=tuple(said[1:])) from None
