"""HL7 v2 in its ER7 encoding (chapter 2, 2.5): segments, fields, repetitions, components, subcomponents.

Read where it stands: behind an instruction, in a batch, several messages after each other, single segments without a
header, cut off anywhere. A line that is no segment is no part of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from ringfence.recognize.payload.hl7_tables import (
    COMPONENTS,
    FIELDS,
    HEADERS,
    ID_CODE,
    ID_TYPES,
    OBSERVATION_TYPES,
    SEGMENTS,
)
from ringfence.recognize.payload.sink import Sink, pieces

_MARK = r"[!-/:-@\[-`{-~]"
_HEADER = re.compile(rf"(?<![A-Za-z0-9])(?:MSH|BHS|FHS)({_MARK})(?!\1)({_MARK}{{1,5}}?)\1")
"""A header names its delimiters: the field separator, then component, repetition, escape, subcomponent (2.5.4)."""
_LINE_END = re.compile(r"[\r\n\x0b\x1c]")
_FRAGMENT_FIELDS_MIN = 3
"""Separators that a segment without a header above it must have: a table's row named ``PID`` is none."""


class _Marks(NamedTuple):
    field: str
    component: str
    repetition: str
    subcomponent: str


_USUAL = _Marks("|", "^", "~", "&")
"""What every message in the field uses."""


class _Segment(NamedTuple):
    name: str
    start: int
    end: int


def read_hl7(sink: Sink) -> None:
    """Note the identifying fields of every segment in the sink's text."""
    text = sink.text
    headers = list(_HEADER.finditer(text)) if any(name in text for name in HEADERS) else []
    first = headers[0].start() if headers else len(text)
    if text.count("|", 0, first) >= _FRAGMENT_FIELDS_MIN:
        for segment in _segments(text, 0, first, _USUAL.field):
            if segment.name in FIELDS and text.count("|", segment.start, segment.end) >= _FRAGMENT_FIELDS_MIN:
                _read_segment(sink, segment, _USUAL)
    for index, header in enumerate(headers):
        end = headers[index + 1].start() if index + 1 < len(headers) else len(text)
        marks = _marks(header)
        for segment in _segments(text, header.start(), end, marks.field):
            _read_segment(sink, segment, marks)


def _marks(header: re.Match[str]) -> _Marks:
    encoding = header.group(2)
    return _Marks(
        header.group(1),
        encoding[0],
        encoding[1] if len(encoding) > 1 else "",
        encoding[3] if len(encoding) > 3 else "",  # noqa: PLR2004 - the third is the escape character
    )


@cache  # one pattern for each of the 32 marks that can be a separator
def _starts(separator: str) -> re.Pattern[str]:
    """Where segments begin: after a line's end, a quotation mark, or a line's end that is written as an escape."""
    return re.compile(rf"(?:\A|[\r\n\x0b\x1c\"'`>]|\\[rn])[ \t]{{0,64}}([A-Z][A-Z0-9]{{2}})(?={re.escape(separator)})")


def _segments(text: str, start: int, end: int, separator: str) -> Iterator[_Segment]:
    found = list(_starts(separator).finditer(text, start, end))
    if text[start : start + 3] in HEADERS and (not found or found[0].start(1) != start):
        yield _cut(text, text[start : start + 3], start, found[0].start() if found else end)
    for index, match in enumerate(found):
        limit = found[index + 1].start() if index + 1 < len(found) else end
        yield _cut(text, match.group(1), match.start(1), limit)


def _cut(text: str, name: str, start: int, limit: int) -> _Segment:
    line_end = _LINE_END.search(text, start, limit)
    return _Segment(name, start, limit if line_end is None else line_end.start())


@lru_cache(maxsize=64)
def _any_of(marks: _Marks) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(''.join(marks))}]")


@cache  # one entry for each segment of the table
def _table(name: str) -> Mapping[int, tuple[str, str]]:
    """A segment's fields: number to data type and, for identifiers, entity type."""
    rules: dict[int, tuple[str, str]] = {}
    for entry in FIELDS.get(name, "").split():
        number, _, rule = entry.partition(":")
        data_type, _, entity_type = rule.partition("=")
        rules[int(number)] = (data_type, entity_type)
    return rules


def _read_segment(sink: Sink, segment: _Segment, marks: _Marks) -> None:
    text, name = sink.text, segment.name
    if name in SEGMENTS:
        sink.wall(segment.start, segment.start + len(name))
    for mark in _any_of(marks).finditer(text, segment.start, segment.end):
        sink.wall(*mark.span())
    if segment.end < len(text):
        sink.wall(segment.end, segment.end + 1)
    rules = _table(name) if name in FIELDS else {}
    if not rules and name != "OBX":
        return
    fields = pieces(text, segment.start, segment.end, marks.field)
    shift = 1 if name in HEADERS else 0
    for number, (data_type, entity_type) in rules.items():
        if number - shift < len(fields):
            _read_field(sink, fields[number - shift], (data_type, entity_type, f"hl7:{name}-{number}"), marks)
    if name == "OBX" and len(fields) > 5:  # noqa: PLR2004 - OBX-5 is the value
        rule = OBSERVATION_TYPES.get(text[slice(*fields[2])].strip())
        if rule is not None:
            data_type, _, entity_type = rule.partition("=")
            _read_field(sink, fields[5], (data_type, entity_type, "hl7:OBX-5"), marks)


def _read_field(sink: Sink, place: tuple[int, int], rule: tuple[str, str, str], marks: _Marks) -> None:
    data_type, entity_type, recogniser = rule
    text = sink.text
    table = COMPONENTS[data_type]
    for repetition in pieces(text, *place, marks.repetition):
        components = pieces(text, *repetition, marks.component)
        identifier = _identifier_type(text, data_type, components, entity_type)
        for number, subtypes in table.items():
            if number > len(components):
                continue
            for index, sub in enumerate(pieces(text, *components[number - 1], marks.subcomponent), 1):
                found = subtypes.get(index) or subtypes.get(0)
                if found is not None:
                    _note(sink, sub, identifier if found in ("*", "ID") else found, recogniser)


def _note(sink: Sink, place: tuple[int, int], entity_type: str, recogniser: str) -> None:
    if entity_type == "PHONE" and "@" in sink.text[slice(*place)]:
        entity_type = "EMAIL"
    sink.field(*place, entity_type, recogniser)


def _identifier_type(text: str, data_type: str, components: list[tuple[int, int]], otherwise: str) -> str:
    """What an identifier is by its code of table 0203; `otherwise` where it has none."""
    place = ID_CODE.get(data_type, 0)
    if 0 < place <= len(components):
        code = text[slice(*components[place - 1])].strip()
        if code.startswith("NN"):
            return "DOCUMENT_ID"
        if code in ID_TYPES:
            return ID_TYPES[code]
    return otherwise or "ID"
