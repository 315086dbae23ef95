"""Dates moved by whole days, written as they were.

MIMIC-III (Johnson et al. 2016) moves each patient's dates by one secret offset, so that intervals hold; here the offset
is a whole number of weeks, so that weekdays hold too. Two-digit years become four digits, and a day or month without a
year gets one: else nobody could tell the surrogate from a date (see `ringfence.recognize.reserved`). Times of day stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from ringfence.recognize.generic import DATE_GENERIC, fold_word
from ringfence.recognize.reserved import COMPACT_DATE, TIME, YEAR_FIRST, YEAR_LAST
from ringfence.recognize.vocabulary import MONTHS

WEEKS_MIN, WEEKS_MAX = 10_436, 12_992
"""Between 200 and 249 years: days of 1900 to 2050 land in the reserved years."""
_CENTURY_PIVOT = 40
"""Two-digit years up to this are of the 2000s."""
_MONTHS_MAX, _DAYS_MAX, _YEAR_DIGITS = 12, 31, 4
_NUMERIC = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[/.-](\d{4})|(\d{4})[/.-](\d{1,2})")
_MONTH_DAY = re.compile(r"(\d{1,2})([/.])(\d{1,2})")
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
class Written:
    """A written date, taken apart. Places are pairs of start and end in the text."""

    text: str
    """As it is written."""
    value: date
    """The day that is meant, the first of several; the 15th where none is written, the reference year where none is."""
    days: tuple[tuple[int, int], ...]
    """The day, or the days of a range within a month."""
    month: tuple[int, int] | None
    """The month; None for a year alone."""
    year: tuple[int, int] | None
    """The year; None where there is none."""

    @property
    def is_whole(self) -> bool:
        """Whether one day is named in full."""
        return len(self.days) == 1 and self.month is not None and self.year is not None


def read(text: str, year_reference: int, *, day_first: bool = False) -> Written | None:
    """What `text` says, or None where it is no date that this module reads.

    Args:
        text: a date as a recogniser found it, for example ``03/14/1957``, ``14. März 2024``, ``198001021230``.
        year_reference: the year of a date that names none.
        day_first: how ``04/03/2024`` is read; other marks have the day first, as in Europe.
    """
    timed = TIME.search(text)
    bare = text if timed is None else text[: timed.start()] + " " * (timed.end() - timed.start()) + text[timed.end() :]
    if timed is not None and bare[: timed.start()].endswith(("T", "t")):
        bare = bare[: timed.start() - 1] + " " + bare[timed.start() :]
    start = len(bare) - len(bare.lstrip())
    core = bare.strip().rstrip(".")
    found = _compact(core) or _numeric(core, day_first) or _short(core, year_reference, day_first)
    if found is None:
        return _named(text, bare, year_reference)
    value, days, month, year = found
    return Written(
        text, value, tuple(_moved(day, start) for day in days), _moved(month, start), year and _moved(year, start)
    )


def shift(text: str, days: int, year_reference: int, *, day_first: bool = False) -> str | None:
    """`text` moved by `days`, or None where it is no date that this module reads or leaves the reserved years."""
    written = read(text, year_reference, day_first=day_first)
    return None if written is None else moved(written, days)


def moved(written: Written, days: int) -> str | None:
    """The same moved by `days`; None where it leaves the reserved years, or a range its month."""
    try:
        value = written.value + timedelta(days=days)
    except OverflowError:
        return None
    return write(written, value) if YEAR_FIRST <= value.year <= YEAR_LAST else None


def stands(text: str) -> bool:
    """Whether `text` names no day, month or year: ``last Monday`` is the same after any number of weeks."""
    words = _PIECE.findall(TIME.sub(" ", text))
    return bool(words) and all(fold_word(word) in DATE_GENERIC for word in words)


_Found = tuple[date, tuple[tuple[int, int], ...], tuple[int, int], tuple[int, int] | None]


def _moved(place: tuple[int, int], by: int) -> tuple[int, int]:
    return place[0] + by, place[1] + by


def _full_year(text: str) -> int:
    return int(text) if len(text) > 2 else int(text) + (2000 if int(text) <= _CENTURY_PIVOT else 1900)  # noqa: PLR2004


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def _compact(text: str) -> _Found | None:
    match = COMPACT_DATE.fullmatch(text)
    if match is None:
        return None
    value = _date(*map(int, match.groups()))
    return None if value is None else (value, (match.span(3),), match.span(2), match.span(1))


def _numeric(text: str, day_first: bool) -> _Found | None:
    match = _NUMERIC.fullmatch(text)
    if match is None:
        return None
    first, mark, second, _ = match.groups()
    if len(first) == _YEAR_DIGITS:  # ISO 8601
        year, month, day = 1, 3, 4
    elif _is_month_first(int(first), int(second), mark, day_first=day_first):
        year, month, day = 4, 1, 3
    else:
        year, month, day = 4, 3, 1
    value = _date(_full_year(match[year]), int(match[month]), int(match[day]))
    return None if value is None else (value, (match.span(day),), match.span(month), match.span(year))


def _is_month_first(first: int, second: int, mark: str, *, day_first: bool) -> bool:
    """With a slash the month comes first, as in the United States, unless it cannot; else the day, as in Europe."""
    if max(first, second) > _MONTHS_MAX:
        return second > _MONTHS_MAX
    return mark == "/" and not day_first


def _short(text: str, year_reference: int, day_first: bool) -> _Found | None:
    """Month and year, or day and month."""
    match = _MONTH_YEAR.fullmatch(text)
    if match is not None:
        month, year = (1, 2) if match[1] else (4, 3)
        value = _date(int(match[year]), int(match[month]), 15)
        return None if value is None else (value, (), match.span(month), match.span(year))
    match = _MONTH_DAY.fullmatch(text)
    if match is None:
        return None
    is_month_first = _is_month_first(int(match[1]), int(match[3]), match[2], day_first=day_first)
    month, day = (1, 3) if is_month_first else (3, 1)
    value = _date(year_reference, int(match[month]), int(match[day]))
    return None if value is None else (value, (match.span(day),), match.span(month), None)


def _named(text: str, bare: str, year_reference: int) -> Written | None:
    days: list[tuple[int, int]] = []
    month = year = None
    for match in _PIECE.finditer(bare):
        piece = match.group()
        if piece.isdecimal():
            is_year = len(piece) > 2 or _ends_with_year(bare[: match.start()], days, month)  # noqa: PLR2004
            if is_year:
                if year is not None:
                    return None
                year = match.span()
            else:
                days.append(match.span())
        elif fold_word(piece) in MONTHS and month is None:
            month = match.span()
        elif fold_word(piece) not in DATE_GENERIC:
            return None
    if len(days) > 2 or (month is None and (days or year is None)):  # noqa: PLR2004 - a range has two
        return None
    value = _date(
        _full_year(bare[slice(*year)]) if year is not None else year_reference,
        MONTHS[fold_word(bare[slice(*month)])] if month is not None else 7,
        int(bare[slice(*days[0])]) if days else (15 if month is not None else 1),
    )
    return None if value is None else Written(text, value, tuple(days), month, year)


def _ends_with_year(before: str, days: list[tuple[int, int]], month: tuple[int, int] | None) -> bool:
    """Whether a number of two digits after `before` is a year: the day and the month stand there already."""
    if before.endswith(("'", "\u2019")):
        return True
    if not days or month is None:
        return False
    return month > days[-1] or not before[days[-1][1] :].strip(" ,.")


def write(written: Written, value: date) -> str | None:
    """`written` for another day; None where it is a range that leaves the month."""
    text = written.text
    new: list[tuple[int, int, str]] = []
    month = text[slice(*written.month)] if written.month is not None else ""
    is_numeric = month.isdecimal()
    if written.month is not None:
        word = f"{value.month:0{len(month)}d}" if is_numeric else _month_word(month, value.month)
        new.append((*written.month, word))
    for place in written.days:
        piece = text[slice(*place)]
        day = value.day + int(piece) - written.value.day
        if _date(value.year, value.month, day) is None:
            return None
        new.append((*place, f"{day:0{len(piece) if is_numeric or piece.startswith('0') else 1}d}"))
        suffix = text[place[1] : place[1] + 2]
        if suffix.lower() in ("st", "nd", "rd", "th"):
            new.append((place[1], place[1] + 2, _ordinal(day, suffix)))
    end = ""
    if written.year is not None:
        new.append((*written.year, f"{value.year}"))
    else:
        end = _year_after(written, value.year, is_numeric=is_numeric)
    return _patched(text, sorted(new)) + end


def _year_after(written: Written, year: int, *, is_numeric: bool) -> str:
    if is_numeric and written.month is not None:
        mark = written.text[min(written.month[1], written.days[0][1])]
        return f"{year}" if written.text.endswith(mark) else f"{mark}{year}"
    month_first = bool(written.days) and written.month is not None and written.month < written.days[0]
    return f", {year}" if month_first else f" {year}"


def _patched(text: str, new: list[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, piece in new:
        pieces += [text[at:start], piece]
        at = end
    return "".join(pieces) + text[at:]


def _month_word(like: str, month: int) -> str:
    """The name of `month` in the language, length and case of `like`."""
    wanted = fold_word(like)
    style = next((words for words in _STYLES if wanted in (fold_word(word) for word in words)), _STYLES[0])
    word = style[month - 1]
    if like.isupper():
        return word.upper()
    return word.lower() if like.islower() else word[0].upper() + word[1:]


def _ordinal(day: int, like: str) -> str:
    suffix = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return suffix.upper() if like.isupper() else suffix
