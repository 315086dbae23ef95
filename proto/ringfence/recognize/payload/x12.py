"""X12 interchanges (X12.5, X12.6): segments of elements, read where they stand, with or without their envelope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ringfence.recognize.payload import x12_tables as tables
from ringfence.recognize.payload.sink import Sink, pieces

_ISA = re.compile(r"(?<![A-Za-z0-9])ISA([!-/:-@\[-`{-~])")
_ISA_CHARS_MAX = 160
"""The header has 106 characters (X12.5); with what a careless copy makes of its blanks it is shorter, never longer."""
_ISA_ELEMENTS = 16
_FRAGMENT = re.compile(
    r"(?:\A|(?<=[~\s\"'`>]))(?:GS|ST|BHT|HL|NM1|N1|N3|N4|DMG|REF|PER|SBR|CLM|CLP|PAT|INS|DTP|BPR|TRN)"
    r"\*[^*~\n]{0,80}\*[^*~\n]{0,80}\S"
)
_NUMBER_DIGITS_MIN = 5
"""A partner's code with fewer digits is a name. Its width is fixed: a surrogate of as many digits has the same."""
_NAME = re.compile(r"\s{0,16}([A-Z][A-Z0-9]{1,2})")
_DAYS = re.compile(r"\d{6,14}")


class _Marks(NamedTuple):
    element: str
    component: str
    terminator: str


class _Segment(NamedTuple):
    name: str
    elements: list[tuple[int, int]]

    def of(self, number: int) -> tuple[int, int]:
        """The place of an element; an empty one where the segment ends before it."""
        return self.elements[number] if number < len(self.elements) else (0, 0)


def read_x12(sink: Sink) -> None:
    """Note the identifying elements of every segment in the sink's text."""
    text = sink.text
    headers = [found for match in _ISA.finditer(text) if (found := _header(text, match))] if "ISA" in text else []
    first = headers[0][0] if headers else len(text)
    fragment = _FRAGMENT.search(text, 0, first) if "*" in text else None
    if fragment is not None:
        start = fragment.start()
        if text.find("~", start, first) >= 0:
            _read_segments(sink, start, first, _Marks("*", ":", "~"))
        elif start == 0 or text[start - 1] == "\n":  # a segment a line
            _read_segments(sink, start, first, _Marks("*", ":", "\n"))
    for index, (start, marks) in enumerate(headers):
        end = headers[index + 1][0] if index + 1 < len(headers) else len(text)
        _read_segments(sink, start, end, marks)


def _header(text: str, match: re.Match[str]) -> tuple[int, _Marks] | None:
    """Where an interchange begins, and its delimiters; None where no header stands."""
    element = match.group(1)
    limit = min(len(text), match.start() + _ISA_CHARS_MAX)
    at = match.end() - 1
    for _ in range(_ISA_ELEMENTS - 1):
        at = text.find(element, at + 1, limit)
        if at < 0:
            return None
    component, terminator = text[at + 1 : at + 2], text[at + 2 : at + 3]
    if not terminator or component.isalnum() or terminator.isalnum() or terminator == element:
        return None
    if terminator == "\r" and text[at + 3 : at + 4] == "\n":
        terminator = "\n"
    return match.start(), _Marks(element, component, terminator)


def _read_segments(sink: Sink, start: int, end: int, marks: _Marks) -> None:
    text = sink.text
    for place in pieces(text, start, end, marks.terminator):
        name = _NAME.match(text, *place)
        if name is None or text[name.end() : name.end() + 1] != marks.element or name.end() >= place[1]:
            continue
        elements = pieces(text, name.start(1), place[1], marks.element)
        if name.group(1) in tables.SEGMENTS:
            sink.wall(name.start(1), elements[0][1])
        for element in elements:
            for part in pieces(text, *element, marks.component):
                if part[1] < len(text):
                    sink.wall(part[1], part[1] + 1)
        _read_segment(sink, _Segment(name.group(1), elements), marks)


def _read_segment(sink: Sink, segment: _Segment, marks: _Marks) -> None:
    name = segment.name
    for number, entity_type in tables.PLAIN.get(name, {}).items():
        sink.field(*segment.of(number), entity_type, f"x12:{name}")
    special = _SPECIAL.get(name)
    if special is not None:
        for place, entity_type in special(sink.text, segment, marks):
            sink.field(*place, entity_type, f"x12:{name}")


Found = Iterator[tuple[tuple[int, int], str]]
"""Places and types."""


def _code(text: str, segment: _Segment, number: int) -> str:
    return text[slice(*segment.of(number))].strip().upper()


def _nm1(text: str, segment: _Segment, _marks: _Marks) -> Found:
    is_person = _code(text, segment, 2) != tables.NON_PERSON
    yield segment.of(3), "PERSON" if is_person else "ORGANISATION"
    for number in (4, 5, 12):
        yield segment.of(number), "PERSON"
    yield segment.of(9), tables.ID_QUALIFIERS.get(_code(text, segment, 8), "ID")


def _n1(text: str, segment: _Segment, _marks: _Marks) -> Found:
    is_person = _code(text, segment, 1) in tables.PERSONS
    yield segment.of(2), "PERSON" if is_person else "ORGANISATION"
    yield segment.of(4), tables.ID_QUALIFIERS.get(_code(text, segment, 3), "ID")


def _ref(text: str, segment: _Segment, _marks: _Marks) -> Found:
    qualifier = _code(text, segment, 1)
    if qualifier not in tables.REFERENCE_CODES:
        yield segment.of(2), tables.REFERENCES.get(qualifier, "CASE_ID")


def _per(text: str, segment: _Segment, _marks: _Marks) -> Found:
    yield segment.of(2), "PERSON"
    for number in (3, 5, 7):
        entity_type = tables.CONTACTS.get(_code(text, segment, number), "PHONE")
        place = segment.of(number + 1)
        yield place, "EMAIL" if entity_type == "PHONE" and "@" in text[slice(*place)] else entity_type


def _days(text: str, place: tuple[int, int]) -> Found:
    """The days in a date or a range of dates; any other content counts as a whole."""
    found = list(_DAYS.finditer(text, *place))
    if not found:
        yield place, "DATE"
    for match in found:
        yield match.span(), "DATE"


def _dtp(text: str, segment: _Segment, _marks: _Marks) -> Found:
    if _code(text, segment, 2) not in tables.TIME_FORMATS:
        yield from _days(text, segment.of(3))


def _dtm(text: str, segment: _Segment, _marks: _Marks) -> Found:
    yield from _days(text, segment.of(2))
    if _code(text, segment, 5) not in tables.TIME_FORMATS:
        yield from _days(text, segment.of(6))


def _dmg(text: str, segment: _Segment, _marks: _Marks) -> Found:
    yield from _days(text, segment.of(2))
    yield segment.of(3), "SEX"


def _hi(text: str, segment: _Segment, marks: _Marks) -> Found:
    """Occurrences: code list, code, format, date (C022)."""
    for element in segment.elements[1:]:
        parts = pieces(text, *element, marks.component)
        for index, part in enumerate(parts[:-1]):
            if text[slice(*part)] in tables.DATE_FORMATS:
                yield from _days(text, parts[index + 1])


def _isa(text: str, segment: _Segment, _marks: _Marks) -> Found:
    """Sender and receiver where they are numbers (names that partners agree on are nobody's), and the day."""
    for number in (6, 8):
        place = segment.of(number)
        if sum(char.isdigit() for char in text[slice(*place)]) >= _NUMBER_DIGITS_MIN:
            yield place, "TAX_ID" if _code(text, segment, number - 1) == tables.TAX_QUALIFIER else "ID"
    yield segment.of(9), "DATE"


_SPECIAL = {
    "DMG": _dmg,
    "DTM": _dtm,
    "DTP": _dtp,
    "HI": _hi,
    "ISA": _isa,
    "N1": _n1,
    "NM1": _nm1,
    "PER": _per,
    "REF": _ref,
}
"""Segments in which one element says what another is."""
