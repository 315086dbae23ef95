"""CSV, TSV and tables of Markdown: columns whose header says what they are (RFC 4180; GFM 4.10 for pipes).

A table begins with a line of names, at least one of which is known (`names`), and goes on while its lines have the
header's number of cells, a line broken off or too long included: the first column stays the first. A blank line ends
it. Tables may stand anywhere in a text; a quoted cell may hold delimiters, doubled quotation marks and line ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.recognize.payload import names
from ringfence.recognize.payload.sink import Sink

DELIMITERS = ",;\t|"
"""What separates cells."""
HEADER_CHARS_MAX = 4096
"""A longer line names no columns."""
COLUMNS_MAX = 512
"""Cells beyond are not read."""
_KNOWN_SHARE_MIN = 0.2
"""With fewer known names than this the line may be a sentence that happens to hold two."""
_RULE = re.compile(r"[\s|:+-]+")
_NAME = re.compile(r"[^\W\d][\w .()/#'\u2019-]*")
_ENDS = {delimiter: re.compile(f"[{re.escape(delimiter)}\n]") for delimiter in DELIMITERS}
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_QUOTED_CHARS_MAX = 65_536
"""A quoted cell may run over lines; a longer one is a quotation mark without its pair."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell's content, without its quotation marks."""

    start: int
    end: int
    after: int
    """Where the delimiter or the line's end stands."""


def read_csv(sink: Sink) -> None:
    """Note the cells of every known column in the sink's text."""
    text = sink.text
    if "\n" not in text:
        return
    at, done = 0, 0
    line = ""
    for following in (*text.split("\n"), ""):  # a pair of lines at a time: a header is nothing without a row
        start, at = at - len(line) - 1, at + len(following) + 1
        if start >= done and line:
            found = _header(line, following)
            if found is not None:
                done = _read_rows(sink, start + len(line) + 1, *found)
        line = following


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _header(line: str, following: str) -> tuple[str, tuple[str | None, ...]] | None:
    """The delimiter of a line of names and the entity types of its columns; None where it is none or no row follows."""
    if len(line) > HEADER_CHARS_MAX:
        return None
    count, delimiter = max([(line.count(mark), mark) for mark in DELIMITERS])
    if not count or count >= COLUMNS_MAX or following.count(delimiter) * 2 < count:
        return None
    cells = [cell.strip(' \t\r"') for cell in line.split(delimiter)]
    if max(map(len, cells)) > names.NAME_CHARS_MAX:
        return None
    roles = [names.role(name) for name in cells]
    if any(names.is_personal(name) for name in cells):
        roles = [found or names.role_in_company(name) for found, name in zip(roles, cells, strict=True)]
    is_header = _is_header(cells, [found for found in roles if found is not None])
    return (delimiter, tuple(roles)) if is_header else None


def _is_header(cells: list[str], known: list[str]) -> bool:
    """Whether a line of `cells`, of which those of `known` types are known, names columns and is no sentence."""
    named = [cell for cell in cells if cell]
    if not known or len(named) < 2:  # noqa: PLR2004 - one name alone is a word
        return False
    if not all(_NAME.fullmatch(name) for name in named):
        return False
    if len(known) >= max(2, _KNOWN_SHARE_MIN * len(named)):
        return True
    with_blanks = sum(" " in name for name in named)
    return not names.WEAK.issuperset(known) and with_blanks * 2 < len(named)


def _read_rows(sink: Sink, at: int, delimiter: str, columns: tuple[str | None, ...]) -> int:
    """Note the cells of the rows from `at` on; where the table ends."""
    text = sink.text
    while at < len(text):
        end = _line_end(text, at)
        if text.find(delimiter, at, end) < 0:
            return at
        if _RULE.fullmatch(text, at, end):  # Markdown's line below the header
            at = end + 1
            continue
        for index, cell in enumerate(_cells(text, at, len(text), delimiter)):
            entity_type = columns[index] if index < len(columns) else None
            if cell.after < len(text):
                sink.wall(cell.after, cell.after + 1)
            if entity_type is not None:
                _note(sink, cell, entity_type)
            end = cell.after
        at = end + 1
    return at


def _note(sink: Sink, cell: _Cell, entity_type: str) -> None:
    text = sink.text[cell.start : cell.end]
    if entity_type == "AGE":
        entity_type = names.age_role(text)
    sink.field(cell.start, cell.end, entity_type, "csv:column")


def _quoted(text: str, start: int, limit: int) -> re.Match[str] | None:
    if text[start : start + 1] != '"':
        return None
    return _QUOTED.match(text, start, min(limit, start + _QUOTED_CHARS_MAX))


def _cells(text: str, at: int, limit: int, delimiter: str) -> Iterator[_Cell]:
    """The cells of the line that begins at `at`, quoted ones up to their closing mark."""
    ends = _ENDS[delimiter]
    for _ in range(COLUMNS_MAX):
        start = at
        while start < limit and text[start] == " ":
            start += 1
        quoted = _quoted(text, start, limit)
        begin = start if quoted is None else quoted.end()
        found = ends.search(text, begin, limit)
        after = limit if found is None else found.start()
        if quoted is not None and not text[quoted.end() : after].strip():
            yield _Cell(start + 1, quoted.end() - 1, after)
        else:
            yield _Cell(at, after, after)
        if after >= limit or text[after] != delimiter:
            return
        at = after + 1
