"""Other forms of a surrogate that a model may write, with the original in the same form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from ringfenced.deidentify.literals import Literals
from ringfenced.deidentify.persons import initials_of

DATES_MAX = 200
"""More days than this come back in the forms that they were placed in only: each has some forty others."""
_MONTHS = tuple(
    tuple(words.split())
    for words in (
        "January February March April May June July August September October November December",
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    )
)
_ENGLISH, _SHORT, _SPANISH, _FRENCH, _GERMAN = _MONTHS
_BEFORE_YEARS = (
    "in ",
    "since ",
    "of ",
    "year ",
    "from ",
    "until ",
    "en ",
    "de ",
    "desde ",
    "del ",
    "depuis ",
    "seit ",
    "im Jahr ",
)

People = Iterable[tuple[tuple[str, str], tuple[str, str]]]
"""Given name and surname of each surrogate person, and those of the original."""


def further(
    placed: Mapping[str, str], dates: Mapping[date, date], people: People, *, day_first: bool
) -> dict[str, str]:
    """Form to original in that form, without `placed` ones and without those that could stand for two originals."""
    found: dict[str, tuple[object, str] | None] = {}

    def add(form: str, original: str, what: object) -> None:
        """Note `original` for `form`; the first form of the same day or person counts, as ``May`` is short and long."""
        known = found.setdefault(form, (what, original))
        if known is not None and known[0] != what and known[1] != original:
            found[form] = None

    for ours, theirs in people:
        for form, original in zip(initials_of([ours]), initials_of([theirs]), strict=True):
            add(form, original, theirs)
    for moved, value in list(dates.items())[:DATES_MAX]:
        for form, original in zip(_written(moved, day_first), _written(value, day_first), strict=True):
            add(form, original, value)
    return {form: known[1] for form, known in found.items() if known is not None and form not in placed}


def absent(found: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """Those of `found` that occur in none of `texts`, whatever their case."""
    literals = Literals(map(str.lower, found))
    present = {low[start:end] for low in map(str.lower, texts) for start, end in literals.find(low)}
    return {form: original for form, original in found.items() if form.lower() not in present}


def _written(day: date, day_first: bool) -> Iterator[str]:
    """A day in each form; the same forms in the same order for every day."""
    number, month, year = day.day, day.month, day.year
    yield f"{year}-{month:02d}-{number:02d}"
    yield f"{year}/{month:02d}/{number:02d}"
    yield f"{number:02d}.{month:02d}.{year}"
    yield f"{number}.{month}.{year}"
    first, second = (number, month) if day_first else (month, number)
    for mark in "/-":
        yield f"{first:02d}{mark}{second:02d}{mark}{year}"
        yield f"{first}{mark}{second}{mark}{year}"
    for months in (_ENGLISH, _SHORT):
        word = months[month - 1]
        for written in (f"{number}", f"{number}{_suffix(number)}"):
            yield f"{word} {written}, {year}"
            yield f"{word} {written} {year}"
            yield f"{written} {word} {year}"
            yield f"{written} of {word} {year}"
            yield f"{word} {written}"
            yield f"{written} {word}"
            yield f"{written} of {word}"
        yield f"{word} {year}"
        yield f"{number:02d} {word} {year}"
        yield f"{number:02d}-{word}-{year}"
    yield f"{number} de {_SPANISH[month - 1]} de {year}"
    yield f"{number} de {_SPANISH[month - 1]} del {year}"
    yield f"{number} de {_SPANISH[month - 1]}"
    yield f"{_SPANISH[month - 1]} de {year}"
    yield f"{number} {_FRENCH[month - 1]} {year}"
    yield f"{number} {_FRENCH[month - 1]}"
    yield f"{_FRENCH[month - 1]} {year}"
    yield f"{number}. {_GERMAN[month - 1]} {year}"
    yield f"{number}. {_GERMAN[month - 1]}"
    yield f"{_GERMAN[month - 1]} {year}"
    for before in _BEFORE_YEARS:
        yield f"{before}{year}"


def _suffix(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
