"""What other recognisers find in a payload, as its fields allow.

A recogniser that knows no schema may see one name in ``DOE^JOHN`` or one address in two columns. A surrogate in its
place would swallow the delimiter, so each piece between delimiters becomes a span of its own. And one in ten times of
fourteen digits passes for a card number: where the schema has a date and a date stands there, it is one.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from ringfence.recognize.payload.reading import Payload
from ringfence.recognize.span import Span

_GUESSES = "tagger:"
_CODE_CHARS_MAX = 3
_HOURS, _MINUTES = r"(?:[01]\d|2[0-4])", r"[0-5]\d"
_COMPACT = (
    r"[12]\d{3}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    rf"(?:{_HOURS}{_MINUTES}(?:{_MINUTES}(?:\.\d{{1,4}})?)?(?:[+-]{_HOURS}{_MINUTES})?)?"
)
"""A day and time as HL7 v2 (2.A.22) and X12 (D8, DT) write it."""
_ZONE = rf"(?:Z|[+-]{_HOURS}:?{_MINUTES})"
_EXTENDED = (
    rf"\d{{4}}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01])"
    rf"(?:[T ]{_HOURS}:{_MINUTES}(?::[0-6]\d(?:[.,]\d{{1,9}})?)?)?)?{_ZONE}?"
)
"""The same in ISO 8601's extended form."""
_DATE = re.compile(rf"{_COMPACT}|{_EXTENDED}")
"""Strict: a card number behind a day is no time."""


def settle(text: str, spans: Iterable[Span], payload: Payload) -> list[Span]:
    """All that stands in `text`: `spans` as `payload` allows, and its own; not merged yet.

    Args:
        text: what both were found in.
        spans: of recognisers that know no schema; a secret is never dropped.
        payload: from `read_payload`.
    """
    if not payload.spans and not payload.walls:
        return list(spans)
    dates = sorted((span.start, span.end) for span in payload.spans if _is_date(text, span))
    starts, ends = {end for _, end in payload.walls}, {start for start, _ in payload.walls}
    kept = [
        span
        for span in cut(text, spans, payload.walls)
        if span.entity_type == "SECRET"
        or not (_in(dates, span) or (span.start in starts and span.end in ends and _is_guessed_code(text, span)))
    ]
    return kept + payload.spans


def _is_guessed_code(text: str, span: Span) -> bool:
    """Whether a field of a few letters, a sex, a state or a flag, is taken for a name by who knows only prose.

    Codes are written in capitals or without any: a word that begins with one may be a person, as Kim, Ann or Ng.
    """
    field = text[span.start : span.end]
    if not span.recogniser.startswith(_GUESSES) or (
        span.entity_type == "PERSON" and len(field) > 1 and field.istitle()
    ):
        return False
    return sum(map(str.isalnum, field)) <= _CODE_CHARS_MAX


def _is_date(text: str, span: Span) -> bool:
    return span.entity_type == "DATE" and _DATE.fullmatch(text, span.start, span.end) is not None


def _in(fields: Sequence[tuple[int, int]], span: Span) -> bool:
    """Whether `span` lies in one of the sorted `fields`."""
    index = bisect_right(fields, (span.start, sys.maxsize)) - 1
    return index >= 0 and span.end <= fields[index][1]


def cut(text: str, spans: Iterable[Span], walls: Sequence[tuple[int, int]]) -> list[Span]:
    """`spans` without the parts that lie in `walls`, in pieces where a wall crosses them.

    Args:
        text: what they stand in; pieces without a letter or digit are left out, and blanks at a cut.
        spans: in any order.
        walls: sorted, from `read_payload`.
    """
    if not walls:
        return list(spans)
    kept: list[Span] = []
    for span in spans:
        index = max(0, bisect_right(walls, (span.start, sys.maxsize)) - 1)
        if walls[index][1] <= span.start:
            index += 1
        if index >= len(walls) or walls[index][0] >= span.end:
            kept.append(span)
            continue
        at = span.start
        while index < len(walls) and walls[index][0] < span.end:
            kept += _piece(text, span, at, walls[index][0])
            at = max(at, walls[index][1])
            index += 1
        kept += _piece(text, span, at, span.end)
    return kept


def _piece(text: str, span: Span, start: int, end: int) -> tuple[Span, ...]:
    if not any(char.isalnum() for char in text[start:end]):
        return ()
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    return (span._replace(start=start, end=end),)
