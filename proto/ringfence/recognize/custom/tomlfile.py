"""A TOML file of equal tables, and the line of each: what a site's patterns and allow lists are written in."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.recognize.custom.errors import CustomError, Problem, read_text

_LINE_OF_ERROR = re.compile(r"line (\d+)")


@dataclass(frozen=True, slots=True)
class Table:
    """One ``[[name]]`` table."""

    path: Path
    """The file."""
    values: Mapping[str, object]
    """What it says."""
    lines: Mapping[str, int]
    """Key to its line; the empty key to the table's own."""

    def problem(self, key: str, what: str) -> Problem:
        """Say `what` of `key`, at its line or the table's; of the whole table for the empty key."""
        line = self.lines.get(key, self.lines.get("", 0))
        return Problem(self.path, line, f"{key}: {what}" if key else what)

    def unknown(self, known: Collection[str]) -> list[Problem]:
        """A problem for each key that is not among `known`."""
        found = []
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                what = f"write {near[0]}" if near else f"remove it, or write one of {', '.join(sorted(known))}"
                found.append(self.problem(key, f"is unknown; {what}"))
        return found

    def text(self, key: str, default: str = "") -> str:
        """The string of `key`.

        Raises:
            CustomError: it is something else.
        """
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise CustomError([self.problem(key, "must be a string in quotation marks")])
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of strings of `key`; empty where it is not there.

        Raises:
            CustomError: it is something else.
        """
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise CustomError([self.problem(key, 'must be a list of strings, for example ["one", "two"]')])
        return tuple(value)

    def number(self, key: str, default: float) -> float:
        """The number of `key`.

        Raises:
            CustomError: it is something else.
        """
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CustomError([self.problem(key, "must be a number")])
        return float(value)


def read_tables(path: Path, name: str) -> tuple[Table, ...]:
    """The ``[[name]]`` tables of the file at `path`, in order.

    Raises:
        CustomError: it cannot be read, is no TOML, or holds anything else.
    """
    text = read_text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE_OF_ERROR.search(str(error))
        what = "is no TOML; look for a quotation mark or bracket, and write expressions in single quotation marks"
        raise CustomError([Problem(path, int(line.group(1)) if line else 0, what)]) from None
    tables = document.get(name)
    if set(document) - {name} or not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise CustomError([Problem(path, 1, f"must hold [[{name}]] tables and nothing else")])
    lines = _lines(text, name)
    return tuple(Table(path, values, lines[index] if index < len(lines) else {}) for index, values in enumerate(tables))


def _lines(text: str, name: str) -> list[dict[str, int]]:
    """For each table the lines of its keys, as they are usually written: one a line."""
    header = re.compile(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]")
    key = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
    found: list[dict[str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if header.match(line):
            found.append({"": number})
        elif found and (match := key.match(line)):
            found[-1].setdefault(match.group(1), number)
    return found
