"""Dates moved by whole days, written as they were.

MIMIC-III (Johnson et al. 2016) moves each patient's dates by one secret offset, so that intervals hold; here the offset
is a whole number of weeks, so that weekdays hold too. Two-digit years become four digits, and a day without a year gets
one: else nobody could tell the surrogate from a date (see `ringfence.recognize.reserved`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from ringfence.recognize.fold import fold_char
from ringfence.recognize.reserved import YEAR_FIRST, YEAR_LAST
from ringfence.recognize.vocabulary import MONTHS

WEEKS_MIN, WEEKS_MAX = 10_436, 12_992
"""Between 200 and 249 years: days of 1900 to 2050 land in the reserved years."""
_CENTURY_PIVOT = 40
"""Two-digit years up to this are of the 2000s."""
_NUMERIC = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_MONTH_YEAR = re.compile(r"(\d{1,2})/(\d{4})")
_PIECE = re.compile(r"\d+|[^\W\d_]+")
_STYLES = tuple(
    tuple(words.split())
    for words in (
        "January February March April May June July August September October November December",
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "janv févr mars avr mai juin juil août sept oct nov déc",
        "Jän Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    )
)


@dataclass(frozen=True, slots=True)
class _Slots:
    """A written date, taken apart."""

    pieces: tuple[str, ...]
    """The text, cut so that day, month and year are pieces of their own."""
    day: int | None
    """Position of the day in `pieces`; None for month and year alone."""
    month: int
    """Position of the month."""
    year: int | None
    """Position of the year; None where there is none."""
    value: date
    """The day that is meant; the 15th where none is written, the reference year where none is."""


def shift(text: str, days: int, year_reference: int) -> str | None:
    """`text` moved by `days`, or None where it is no date that this module reads or leaves the reserved years.

    Args:
        text: a date as a recogniser found it, for example ``03/14/1957``, ``14. März 2024``, ``March 2024``.
        days: the offset.
        year_reference: the year of a date that names none.
    """
    slots = _numeric(text) or _named(text, year_reference)
    if slots is None:
        return None
    try:
        moved = slots.value + timedelta(days=days)
    except OverflowError:
        return None
    return _write(slots, moved) if YEAR_FIRST <= moved.year <= YEAR_LAST else None


def year_of(text: str) -> int | None:
    """The year that a date names; None for none."""
    slots = _numeric(text) or _named(text, 2000)
    return None if slots is None or slots.year is None else slots.value.year


def _full_year(text: str) -> int:
    return int(text) if len(text) > 2 else int(text) + (2000 if int(text) <= _CENTURY_PIVOT else 1900)  # noqa: PLR2004


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _numeric(text: str) -> _Slots | None:
    month_year = _MONTH_YEAR.fullmatch(text)
    if month_year is not None:
        month, year = month_year.groups()
        value = _date(int(year), int(month), 15)
        return None if value is None else _Slots((month, "/", year), None, 0, 2, value)
    match = _NUMERIC.fullmatch(text)
    if match is None:
        return None
    first, separator, second, third = match.groups()
    pieces = (first, separator, second, separator, third)
    if len(first) == 4:  # noqa: PLR2004 - ISO 8601
        value = _date(int(first), int(second), int(third))
        return None if value is None else _Slots(pieces, 4, 2, 0, value)
    # With a slash the month comes first, as in the United States, unless it cannot; else the day, as in Europe.
    month_first = int(first) <= 12 if separator == "/" else int(second) > 12  # noqa: PLR2004
    month_first = month_first and not (separator == "/" and int(second) <= 12 < int(first))  # noqa: PLR2004
    day, month = (2, 0) if month_first else (0, 2)
    value = _date(_full_year(third), int(pieces[month]), int(pieces[day]))
    return None if value is None else _Slots(pieces, day, month, 4, value)


def _named(text: str, year_reference: int) -> _Slots | None:
    pieces: list[str] = []
    day = month = year = None
    at = 0
    for match in _PIECE.finditer(text):
        pieces += [text[at : match.start()], match.group()]
        at = match.end()
        place, piece = len(pieces) - 1, match.group()
        if piece.isdecimal():
            if (len(piece) > 2 or (day is not None and month is not None)) and year is None:  # noqa: PLR2004
                year = place
            elif day is None:
                day = place
        elif month is None and _fold(piece) in MONTHS:
            month = place
    pieces.append(text[at:])
    if month is None or (day is None and year is None):
        return None
    value = _date(
        _full_year(pieces[year]) if year is not None else year_reference,
        MONTHS[_fold(pieces[month])],
        int(pieces[day]) if day is not None else 15,
    )
    return None if value is None else _Slots(tuple(pieces), day, month, year, value)


def _fold(word: str) -> str:
    return "".join(map(fold_char, word)).lower()


def _write(slots: _Slots, moved: date) -> str:
    pieces = list(slots.pieces)
    month = pieces[slots.month]
    pieces[slots.month] = f"{moved.month:0{len(month)}d}" if month.isdecimal() else _month_word(month, moved.month)
    if slots.day is not None:
        is_padded = month.isdecimal() or pieces[slots.day].startswith("0")
        pieces[slots.day] = f"{moved.day:0{len(pieces[slots.day]) if is_padded else 1}d}"
        suffix = slots.day + 2
        if suffix < len(pieces) and pieces[suffix - 1] == "" and pieces[suffix].lower() in ("st", "nd", "rd", "th"):
            pieces[suffix] = _ordinal(moved.day, pieces[suffix])
    if slots.year is not None:
        pieces[slots.year] = f"{moved.year}"
        return "".join(pieces)
    month_first = slots.day is not None and slots.month < slots.day
    return "".join(pieces) + (f", {moved.year}" if month_first else f" {moved.year}")


def _month_word(like: str, month: int) -> str:
    """The name of `month` in the language, length and case of `like`."""
    wanted = _fold(like)
    style = next((words for words in _STYLES if wanted in (_fold(word) for word in words)), _STYLES[0])
    word = style[month - 1]
    if like.isupper():
        return word.upper()
    return word.lower() if like.islower() else word[0].upper() + word[1:]


def _ordinal(day: int, like: str) -> str:
    suffix = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return suffix.upper() if like.isupper() else suffix
