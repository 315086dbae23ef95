"""Reads annotated corpora: ``{"id", "lang", "text", "spans": [[start, end, label, group], ...]}`` a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deid_parts.score import Gold, Row

HELD_OUT_EVERY = 5
"""The row whose index in its file this divides is for evaluation; no judge is trained on it."""


class BadRow(ValueError):
    """A line that cannot be used; says why without what stands in it."""


@dataclass(slots=True)
class Corpus:
    """One file."""

    stem: str
    """Its name without ``.jsonl``."""
    rows: list[Row] = field(default_factory=list)
    """What can be used of it."""
    bad: list[str] = field(default_factory=list)
    """``file:line: what is wrong`` of each line that cannot."""


def read(path: Path, *, held_out: bool = False) -> Corpus:
    """The rows of one file; a line that cannot be used is named in `Corpus.bad` and left out.

    Args:
        path: the file, UTF-8.
        held_out: keep only rows whose index `HELD_OUT_EVERY` divides.

    Raises:
        OSError: the file cannot be read.
    """
    corpus, index = Corpus(path.stem), -1
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        index += 1
        if held_out and index % HELD_OUT_EVERY:
            continue
        try:
            corpus.rows.append(parse(line))
        except BadRow as error:
            corpus.bad.append(f"{path.name}:{number}: {error}")
    return corpus


def _lines(path: Path) -> Iterator[str]:
    """Lines as JSON lines are parted: at line feeds alone, for a text may hold U+2028."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        yield from file


def parse(line: str) -> Row:
    """One line.

    Raises:
        BadRow: it is no row.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise BadRow("no JSON; write one object a line") from None
    if not isinstance(row, dict):
        raise BadRow('no object; write {"id", "lang", "text", "spans"}')
    text, spans = row.get("text"), row.get("spans")
    if not isinstance(text, str):
        raise BadRow('"text" must be a string')
    if not isinstance(spans, list):
        raise BadRow('"spans" must be a list, [] where there are none')
    lang = row.get("lang", "en")
    if not isinstance(lang, str):
        raise BadRow('"lang" must be a string, for example "en"')
    return Row(text, lang, tuple(_gold(spans, len(text))))


def _gold(spans: Iterable[Any], size: int) -> Iterator[Gold]:
    for number, span in enumerate(spans):
        match span:
            case [int(start), int(end), *rest] if all(isinstance(name, str) for name in rest):
                if not 0 <= start < end <= size:
                    raise BadRow(f"spans[{number}] does not lie in the text of {size} characters")
                yield Gold(start, end, *(*rest, "", "")[:2])
            case _:
                raise BadRow(f"spans[{number}] must be [start, end, label, group]")
