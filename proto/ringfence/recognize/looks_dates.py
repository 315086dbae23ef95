"""Second looks at dates, and at ages over 89."""

from __future__ import annotations

import re

from ringfence.recognize.bytesets import DIGITS, WORD, digits_of
from ringfence.recognize.durations import is_duration
from ringfence.recognize.labels_at import strong_at, value_at
from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.vocabulary import MONTHS

_DAY = rb"(?:[12]\d|3[01]|0?[1-9])"
_YEAR = rb"(?:(?:1[89]|2[0-3])\d\d(?![0-9A-Za-z%])|'\d\d(?![0-9A-Za-z]))"
_OF = rb"(?:of |de |del |del ano |de l'annee |des jahres |im jahr )?"
_MONTHS = "|".join(sorted(MONTHS, key=len, reverse=True)).encode()
_DAY_BEFORE = re.compile(
    rb"(?<![0-9A-Za-z.,/])(?:" + _DAY + rb"(?:st|nd|rd|th|er|\.)?(?: ?(?:-|&|/) ?| (?:and|to|y|e|al?|et|au|und|bis) ))?"
    + _DAY + rb"(?:st|nd|rd|th|er|o|\.)?[ -]{1,2}(?:of |de |dias? de )?$",
    re.IGNORECASE,
)  # fmt: skip
_AFTER = re.compile(
    rb"\.?(?:(?:[ -/]|,[ ])" + _OF + rb"(?P<alone>" + _YEAR + rb")"
    rb"|[ -](?P<day>" + _DAY + rb")(?:st|nd|rd|th)?(?![0-9A-Za-z%/]|[.,:]\d)"
    rb"(?:[ ]?(?:-|&|to|and|through)[ ]?" + _DAY + rb"(?:st|nd|rd|th)?(?![0-9A-Za-z%:/.]))?"
    rb"(?:,?[ -]{1,2}" + _OF + rb"(?P<year>" + _YEAR + rb"))?"
    rb"|[ -](?P<short>\d\d)(?![0-9A-Za-z%:.,/]))",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rb"(?: ?[-/] ?| (?:y|and|to|a|et|und|bis|o|or|through) )(?:" + _MONTHS + rb")(?![A-Za-z])", re.IGNORECASE
)
_MONTH_WORD = re.compile(rb"[A-Za-z]{3,10}$")
_LABELLED = re.compile(rb"\d{1,5}(?: ?[./-]{1,2} ?\d{1,5}){0,2}(?![0-9A-Za-z%])|\d{1,2} \d{1,2} \d{4}(?![0-9])")
_CLOCK = re.compile(rb" [0-2]\d:[0-5]\d:[0-5]\d(?![0-9:])")
"""A time to the second behind a date: a log's time stamp, which points to one event."""
_MODIFIER = re.compile(rb"(?:last|next|early|late|mid|this past|past|el pasado|pasado)[ -]$", re.IGNORECASE)
_SCORE_BEFORE = re.compile(rb"(?:apgar|score|scores|glasgow|gcs|ratio|pulse|grid)(?: of)?[ :=]{1,3}$", re.IGNORECASE)
_ON = re.compile(rb"\b(?:am|vom|bis|seit|den|on|el|le) $", re.IGNORECASE)
_ENDS = re.compile(rb"$|[)(,;\r\n]|[.](?![0-9])|[ ]\(")
"""What follows a year of two digits, and no quantity."""
_OLD = re.compile(rb"(?:old|of age|de edad|d'age|alt|y/?o\b)", re.IGNORECASE)
_PLAIN_YEAR = re.compile(rb"(?:1[5-9]|20)\d\d")
_NAMES_TOO = frozenset((b"julio", b"june", b"april", b"may", b"august", b"jan", b"abril", b"augusto"))
"""Months that people are called too."""
_CAPITAL = re.compile(rb" [A-Z\xc0][a-z\xe0]")
_SHORT = re.compile(rb"(\d{1,2})[/.-](\d{1,2})\.?$")
_MAY = frozenset(
    (
        b"may",
        b"march",
        b"mar",
        b"set",
        b"mai",
        b"jan",
        b"sep",
        b"dec",
        b"oct",
        b"nov",
        b"feb",
        b"jun",
        b"jul",
        b"apr",
        b"aug",
    )
)
"""Months that are other words too, or often short for something else: they need a capital to stand alone."""
YEAR_MIN, YEAR_MAX = 1800, 2399
"""Years that a date may have: of living memory, and of the surrogates."""


def _is_date(first: str, second: str, third: str) -> bool:
    """Whether three numbers are year-month-day, or day and month in either order and a year."""
    one, two, three = int(first), int(second), int(third)
    if len(first) == 4:  # noqa: PLR2004 - a year in full
        return len(third) <= 2 and YEAR_MIN <= one <= YEAR_MAX and 1 <= two <= 12 and 1 <= three <= 31  # noqa: PLR2004
    if len(first) > 2 or len(third) not in (2, 4):  # noqa: PLR2004
        return False
    if len(third) == 4 and not YEAR_MIN <= three <= YEAR_MAX:  # noqa: PLR2004
        return False
    return min(one, two) >= 1 and max(one, two) <= 31 and min(one, two) <= 12  # noqa: PLR2004


def numeric(buf: bytes, start: int, end: int) -> Spans:
    """Three numbers with one kind of separator that can be a day; without the ``T`` and hour of RFC 3339 behind it."""
    if buf[end - 1 : end] == b":":
        end -= 4
    raw = buf[start:end]
    separator = next(byte for byte in raw if byte in b"-./")
    parts = raw.decode("ascii").split(chr(separator))
    if len(parts) != 3 or not _is_date(*parts):  # noqa: PLR2004 - day, month, year
        return NONE
    if start and (buf[start - 1] in b"-./0123456789" or _SCORE_BEFORE.search(buf, max(0, start - 16), start)):
        return NONE
    after = buf[end : end + 2]
    if after[:1] in (b"-", b"/") or (after[:1] == b"." and after[1:].isdigit()):
        return NONE
    is_heading = separator == 46 and len(parts[2]) == 2 and len(parts[0]) == 1  # noqa: PLR2004 - 1.2.10 is a version
    if is_heading and not _ON.search(buf, max(0, start - 6), start):
        return NONE
    clock = _CLOCK.match(buf, end, end + 10)
    return (Span(start, clock.end() if clock is not None else end, "DATE", 0.9, "pattern:date-numeric"),)


def month_year(buf: bytes, start: int, end: int) -> Spans:
    """Month and year, as 03/2024."""
    if (start and buf[start - 1] in b"-./0123456789") or buf[end : end + 1] in (b"/", b"-"):
        return NONE
    return (Span(start, end, "DATE", 0.7, "pattern:date-month-year"),)


def roman(buf: bytes, start: int, end: int) -> Spans:
    """A day whose month is a Roman number, as 12-XI-1985."""
    if (start and buf[start - 1] in b"-./0123456789") or buf[end : end + 1] in (b"/", b"-"):
        return NONE
    return (Span(start, end, "DATE", 0.8, "pattern:date-roman"),)


def day_month(buf: bytes, start: int, end: int) -> Spans:
    """Day and month without a year after ``on``, ``seen``, ``am``: ``on 08/22``, ``am 14.03.``; not a score."""
    match = _SHORT.search(buf, start, end)
    if (
        match is None
        or buf[end : end + 1] in (b"/", b"-", b"%")
        or (buf[end : end + 1] == b"." and buf[end + 1 : end + 2].isdigit())
    ):
        return NONE
    one, two = int(match.group(1)), int(match.group(2))
    if not (min(one, two) >= 1 and min(one, two) <= 12 and max(one, two) <= 31):  # noqa: PLR2004
        return NONE
    is_padded = len(match.group(1)) == len(match.group(2)) == 2  # noqa: PLR2004
    if two in (4, 5, 10) and one <= two and not is_padded:
        return NONE  # "scored on 3/5"
    return (Span(match.start(), end, "DATE", 0.6, "context:date"),)


def labelled(buf: bytes, _start: int, end: int) -> Spans:
    """Whatever number follows ``DOB:``, ``Fecha de nacimiento:``: mistyped ones too; a plain year is no date."""
    at = strong_at(buf, end)
    at = at if at is not None else value_at(buf, end)
    match = None if at is None else _LABELLED.match(buf, at, at + 20)
    if match is None or len(digits_of(match.group())) < 4 or _PLAIN_YEAR.fullmatch(match.group()):  # noqa: PLR2004
        return NONE
    return (Span(match.start(), match.end(), "DATE", 0.8, "label:date"),)


def month_name(buf: bytes, _start: int, end: int) -> Spans:
    """A month's name with a day, a year or both beside it, or as one end of a range of months."""
    word = _MONTH_WORD.search(buf, max(0, end - 10), end)
    if word is None or (end < len(buf) and buf[end] in WORD):
        return NONE
    start = word.start()
    if start and buf[start - 1] in WORD:
        return NONE
    before = _DAY_BEFORE.search(buf, max(0, start - 20), start)
    after = _AFTER.match(buf, end, end + 32)
    if before is None and after is None:
        if buf[start : start + 1].isupper() and _RANGE.match(buf, end, end + 24):
            return (Span(start, end, "DATE", 0.6, "pattern:date-range"),)
        return NONE
    stop = end
    is_short_year = after is not None and after["short"] is not None and buf[end : end + 1] == b"-"
    if after is not None and (after["short"] is None or before is not None or is_short_year):
        # "14 March 10 mg": with a day before the month, a second day belongs to something else.
        if before is None or after["alone"] or after["short"]:
            stop = after.end()
        elif after["day"] and not after["year"] and len(after["day"]) == 2:  # noqa: PLR2004 - 14-Mar-24
            stop = after.end() if buf[end : end + 1] == b"-" or _ENDS.match(buf, after.end()) else end
    if before is None and stop == end:
        return NONE
    return (Span(before.start() if before else start, stop, "DATE", 0.85, "pattern:date-name"),)


def month_alone(buf: bytes, start: int, end: int) -> Spans:
    """A month without day or year after ``last``, ``since``, ``in``, ``mes de``: the month is an element of a date."""
    if end < len(buf) and (buf[end] in WORD or buf[end] in b"'"):
        return NONE
    at = max(buf.rfind(b" ", start, end), start - 1) + 1
    word = buf[at:end]
    if word.lower() in _MAY and not word[:1].isupper():
        return NONE
    if word.lower() in _NAMES_TOO and _CAPITAL.match(buf, end):
        return NONE
    if word.isupper() and len(word) == 3:  # noqa: PLR2004 - "in MAR", "in DEC": abbreviations of other things
        return NONE
    modifier = _MODIFIER.search(buf, start, at)
    return (Span(at if modifier is None else modifier.start(), end, "DATE", 0.5, "context:month"),)


def age(buf: bytes, start: int, end: int) -> Spans:
    """An age over 89 with the words that make it one (45 CFR 164.514(b)(2)(i)(C)); years up to 130 are somebody's."""
    years = int(digits_of(buf[start:end]) or "0")
    if not 90 <= years <= 130 or (start and buf[start - 1] in b".,-/0123456789"):  # noqa: PLR2004
        return NONE
    if buf[start] in DIGITS and not _OLD.search(buf, start, end + 12) and is_duration(buf, start, end):
        return NONE
    return (Span(start, end, "AGE", 0.8, "pattern:age"),)
