"""Where the readers of payloads put what they find: spans over the raw text, and the walls between fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ringfence.recognize.span import Span

FREE_TEXT = "CUSTOM"
"""What a field is that may say anything about anybody: a narrative, a remittance text."""
_BLANKS = " \t\r\n\f\v\xa0\ufeff"
_NOTHING = frozenset(
    {
        "na",
        "n/a",
        "n.a.",
        "nan",
        "null",
        "nil",
        "none",
        "unknown",
        "unk",
        "notprovided",
        "not provided",
        "missing",
        "empty",
        "true",
        "false",
        "desconocido",
        "ninguno",
        "inconnu",
        "aucun",
        "unbekannt",
        "keine",
    }
)
"""What stands in a field to say that nothing does; whoever replaced it would find it everywhere else too."""
_NOTHING_CHARS_MAX = max(map(len, _NOTHING))
_HAS_CONTENT = re.compile(r"[^\W_]")
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01])(?:[T ][0-9:.,Zz+-]{2,24})?|Z|[+-]\d\d:\d\d)?")
_DATE_CHARS_MAX = 36


class Escapes(NamedTuple):
    """How a format writes what its marks would be read for."""

    pattern: re.Pattern[str]
    """One of them."""
    is_letter: Callable[[str], bool]
    """Whether one may stand for a letter or digit."""


PLAIN = Escapes(re.compile(r"(?!)"), lambda _written: False)
"""A format without escapes."""


class Sink:
    """Collects what stands in one text. For one task."""

    __slots__ = ("escapes", "spans", "text", "walls")

    def __init__(self, text: str) -> None:
        """Collect for `text`."""
        self.text = text
        self.escapes = PLAIN
        """Of the format that is being read."""
        self.spans: list[Span] = []
        """Fields that are identifiers by their schema."""
        self.walls: list[tuple[int, int]] = []
        """Delimiters: what no span may cross or replace."""

    def field(self, start: int, end: int, entity_type: str, recogniser: str) -> None:
        """Note a field's value; blanks round it, and what says that there is none, do not count.

        A value with escaped marks is noted in pieces, so that its surrogates leave the escapes whole. One with escaped
        letters is noted as it is written: nothing but a literal can stand for it.
        """
        found = list(self.escapes.pattern.finditer(self.text, start, end)) if entity_type != FREE_TEXT else []
        if any(self.escapes.is_letter(escape.group()) for escape in found):
            found = []
        for escape in found:
            self._value(start, escape.start(), entity_type, recogniser)
            self.wall(*escape.span())
            start = escape.end()
        self._value(start, end, entity_type, recogniser)

    def _value(self, start: int, end: int, entity_type: str, recogniser: str) -> None:
        text = self.text
        while start < end and text[start] in _BLANKS:
            start += 1
        while start < end and text[end - 1] in _BLANKS:
            end -= 1
        if _HAS_CONTENT.search(text, start, end) is None:
            return
        if end - start <= _NOTHING_CHARS_MAX and text[start:end].lower() in _NOTHING:
            return
        self.spans.append(Span(start, end, entity_type, 1.0, recogniser))

    def wall(self, start: int, end: int) -> None:
        """Note a delimiter."""
        self.walls.append((start, end))


def is_iso_date(text: str, start: int, end: int) -> bool:
    """Whether a day or month of ISO 8601's extended form stands there, with or without time; a year alone does not.

    FHIR's date, dateTime and instant (R4, 2.24.0.1) and XML Schema's date, gYearMonth and dateTime are written so.
    """
    return 7 <= end - start <= _DATE_CHARS_MAX and _DATE.fullmatch(text, start, end) is not None  # noqa: PLR2004


def pieces(text: str, start: int, end: int, separator: str) -> list[tuple[int, int]]:
    """The places between `separator`s from `start` to `end`; an empty separator cuts nothing."""
    if not separator:
        return [(start, end)]
    cut: list[tuple[int, int]] = []
    at = text.find(separator, start, end)
    while at >= 0:
        cut.append((start, at))
        start = at + 1
        at = text.find(separator, start, end)
    cut.append((start, end))
    return cut
