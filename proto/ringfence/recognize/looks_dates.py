"""Second looks at dates and at ages over 89."""

from __future__ import annotations

import re

from ringfence.recognize.looks_numbers import digits_of
from ringfence.recognize.span import NONE, Span, Spans

_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\xc0\xe0")
_DAY_BEFORE = re.compile(
    rb"(?<![0-9A-Za-z.,/])(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th|er|\.)?[ -](?:of |de )?$", re.IGNORECASE
)
_AFTER = re.compile(
    rb"\.?(?:(?:[ -]|,[ ])(?:de |del )?(?P<alone>(?:1[89]|2[0-3])\d\d)(?![0-9A-Za-z%])"
    rb"|[ -](?P<day>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?(?![0-9A-Za-z%:/]|[.,]\d)"
    rb"(?:,?[ -](?P<year>(?:1[89]|2[0-3])\d\d)(?![0-9A-Za-z%]))?"
    rb"|[ -](?P<short>\d\d)(?![0-9A-Za-z%:.,/]))",
    re.IGNORECASE,
)
_MONTH_WORD = re.compile(rb"[A-Za-z]{3,10}$")
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
    """Three numbers with one kind of separator that can be a day."""
    raw = buf[start:end]
    separator = next(byte for byte in raw if byte in b"-./")
    parts = raw.decode("ascii").split(chr(separator))
    if len(parts) != 3 or not _is_date(*parts):  # noqa: PLR2004 - day, month, year
        return NONE
    if start and buf[start - 1] in b"-./0123456789":
        return NONE
    after = buf[end : end + 2]
    if after[:1] in (b"-", b"/") or (after[:1] == b"." and after[1:].isdigit()):
        return NONE
    if separator == 46 and len(parts[2]) == 2 and len(parts[0]) == 1:  # noqa: PLR2004 - 1.2.10 is a version or a heading
        return NONE
    return (Span(start, end, "DATE", 0.9, "pattern:date-numeric"),)


def month_year(buf: bytes, start: int, end: int) -> Spans:
    """Month and year, as 03/2024."""
    if (start and buf[start - 1] in b"-./0123456789") or buf[end : end + 1] in (b"/", b"-"):
        return NONE
    return (Span(start, end, "DATE", 0.7, "pattern:date-month-year"),)


def month_name(buf: bytes, _start: int, end: int) -> Spans:
    """A month's name with a day, a year or both beside it."""
    word = _MONTH_WORD.search(buf, max(0, end - 10), end)
    if word is None or (end < len(buf) and buf[end] in _WORD):
        return NONE
    start = word.start()
    if start and buf[start - 1] in _WORD:
        return NONE
    before = _DAY_BEFORE.search(buf, max(0, start - 10), start)
    after = _AFTER.match(buf, end, end + 18)
    if before is None and after is None:
        return NONE
    stop = end
    if after is not None and (after["short"] is None or before is not None):
        # "14 March 10 mg": with a day before the month, a second day belongs to something else.
        if before is None or after["alone"] or after["short"]:
            stop = after.end()
        elif after["day"] and not after["year"] and len(after["day"]) == 2:  # noqa: PLR2004 - 14-Mar-24
            stop = after.end() if buf[end : end + 1] == b"-" else end
    if before is None and stop == end:
        return NONE
    return (Span(before.start() if before else start, stop, "DATE", 0.85, "pattern:date-name"),)


def age(buf: bytes, start: int, end: int) -> Spans:
    """An age over 89 with the words that make it one (45 CFR 164.514(b)(2)(i)(C)); years up to 130 are somebody's."""
    years = int(digits_of(buf[start:end]) or "0")
    if not 90 <= years <= 130 or (start and buf[start - 1] in b".,-/0123456789"):  # noqa: PLR2004
        return NONE
    return (Span(start, end, "AGE", 0.8, "pattern:age"),)
