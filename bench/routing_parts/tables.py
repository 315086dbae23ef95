"""Files as columns of texts: bounded, and with messages that name the file and the line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
"""Names that are read."""
BYTES_MAX = 1 << 30
"""Largest file, unpacked: RouterBench whole has some 600 MB."""
FIELD_CHARS_MAX = 1 << 24
"""Longest cell."""


class BadData(ValueError):
    """A folder or file that cannot be used; the message says which, why, and what to do, without its content."""


@dataclass(frozen=True, slots=True)
class Table:
    """One file: columns of equal length."""

    stem: str
    """The file's name without its suffixes."""
    columns: dict[str, list[str]]
    """Text of each cell, by column; empty where a row has none."""

    @property
    def rows(self) -> int:
        """How many."""
        return len(next(iter(self.columns.values()), []))


def read_table(path: Path) -> Table:
    """Read one file.

    Nested objects of JSON lines become columns ``outer.inner``; values that are no texts are written as JSON.

    Raises:
        BadData: the file cannot be read, is not what its name says, or is too large.
    """
    stem = path.name
    for suffix in (".gz", ".csv", ".jsonl"):
        stem = stem.removesuffix(suffix)
    try:
        text = _text(path)
        return Table(stem, _from_csv(text) if ".csv" in path.name else _from_lines(text))
    except UnicodeDecodeError as error:
        raise BadData(f"{path.name}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"{path.name}: cannot be read ({type(error).__name__}); is it cut off, or not gzip?") from error
    except (csv.Error, ValueError) as error:
        reason = str(error) if isinstance(error, BadData | csv.Error) else "not what its name says"
        raise BadData(f"{path.name}: {reason}") from error


def _text(path: Path) -> str:
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        content = file.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise BadData(f"larger than {BYTES_MAX >> 20} MiB unpacked; split it")
    return content.decode("utf-8-sig")


def _from_csv(text: str) -> dict[str, list[str]]:
    before = csv.field_size_limit(FIELD_CHARS_MAX)
    try:
        reader = csv.reader(io.StringIO(text, newline=""))
        names = next(reader, [])
        if len(names) < 2:
            raise BadData("no header with columns in its first line")
        return _columns(names, (row for row in reader if row))
    finally:
        csv.field_size_limit(before)


def _columns(names: list[str], rows: Iterable[list[str]]) -> dict[str, list[str]]:
    cells: list[list[str]] = [[] for _ in names]
    for row in rows:
        padded = row + [""] * (len(names) - len(row))
        for column, cell in zip(cells, padded, strict=False):
            column.append(cell)
    return dict(zip(names, cells, strict=True))


def _from_lines(text: str) -> dict[str, list[str]]:
    rows: list[dict[str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise BadData(f"line {number} is no JSON") from None
        if not isinstance(value, dict):
            raise BadData(f"line {number} is no JSON object")
        rows.append(dict(_flat(value, "")))
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name, "") for row in rows] for name in names}


def _flat(value: dict[str, Any], before: str) -> Iterable[tuple[str, str]]:
    for key, cell in value.items():
        if isinstance(cell, dict):
            yield from _flat(cell, f"{before}{key}.")
        elif cell is None:
            yield before + key, ""
        else:
            yield before + key, cell if isinstance(cell, str) else json.dumps(cell)
