"""Dates as people write them."""

from __future__ import annotations

import random
from datetime import date, timedelta

MONTHS = {
    "en": "January,February,March,April,May,June,July,August,September,October,November,December",
    "es": "enero,febrero,marzo,abril,mayo,junio,julio,agosto,septiembre,octubre,noviembre,diciembre",
    "fr": "janvier,février,mars,avril,mai,juin,juillet,août,septembre,octobre,novembre,décembre",
    "de": "Januar,Februar,März,April,Mai,Juni,Juli,August,September,Oktober,November,Dezember",
}
SHORT = {
    "en": "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec",
    "es": "ene,feb,mar,abr,may,jun,jul,ago,sep,oct,nov,dic",
    "fr": "janv.,févr.,mars,avr.,mai,juin,juil.,août,sept.,oct.,nov.,déc.",
    "de": "Jan.,Feb.,März,Apr.,Mai,Juni,Juli,Aug.,Sept.,Okt.,Nov.,Dez.",
}


def _month(names: dict[str, str], lang: str, month: int) -> str:
    return names[lang].split(",")[month - 1]


def some_day(rng: random.Random, first: int, last: int) -> date:
    """A day of the years `first` to `last`."""
    return date(first, 1, 1) + timedelta(days=rng.randrange(365 * (last - first + 1)))


def ordinal(day: int) -> str:
    """1st, 2nd, 3rd, 4th."""
    return f"{day}{'th' if 10 <= day % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def styles(lang: str) -> int:
    """How many ways of writing a whole date `lang` has here."""
    return len(_written(date(2020, 1, 2), lang))


def written(day: date, lang: str, style: int) -> str:
    """`day` in the writing `style`, from 0 to `styles`."""
    return _written(day, lang)[style]


def _written(day: date, lang: str) -> tuple[str, ...]:
    year, month, number = day.year, day.month, day.day
    name, short, two = _month(MONTHS, lang, month), _month(SHORT, lang, month), f"{year % 100:02d}"
    if lang == "en":
        return (
            f"{name} {number}, {year}", f"{month:02d}/{number:02d}/{year}", f"{month}/{number}/{two}",
            f"{name} {ordinal(number)}, {year}", f"{year}-{month:02d}-{number:02d}", f"{number} {name} {year}",
            f"{short} {number}, {year}", f"{number:02d}-{short}-{year}", f"{month:02d}-{number:02d}-{year}",
            f"{name} {ordinal(number)} {year}", f"{short} {ordinal(number)}, {year}", f"{number} {short} {two}",
            f"{month}/{number}/{year}", f"{short}. {number}, {year}", f"{ordinal(number)} of {name} {year}",
            f"{name} {ordinal(number)}", f"{name} {number}", f"{month}/{number}", f"{short} {number}",
            f"{name} {year}", f"{short} {year}", f"{month:02d}/{year}", f"{number:02d}.{month:02d}.{year}",
        )  # fmt: skip
    if lang == "es":
        return (
            f"{number:02d}/{month:02d}/{year}", f"{number} de {name} de {year}", f"{number}/{month}/{two}",
            f"{number:02d}-{month:02d}-{year}", f"{number} de {name}", f"{name} de {year}",
            f"{number:02d}.{month:02d}.{year}",
            f"{year}-{month:02d}-{number:02d}", f"{number} {short} {year}", f"{number} de {name} del {year}",
            f"{month:02d}/{year}",
        )  # fmt: skip
    if lang == "fr":
        first = "1er" if number == 1 else str(number)
        return (
            f"{number:02d}/{month:02d}/{year}", f"{first} {name} {year}", f"{number:02d}/{month:02d}/{two}",
            f"{first} {name}", f"{name} {year}", f"{number:02d}.{month:02d}.{year}", f"{number:02d}-{month:02d}-{year}",
            f"{first} {short} {year}", f"{year}-{month:02d}-{number:02d}", f"{month:02d}/{year}",
        )  # fmt: skip
    return (
        f"{number:02d}.{month:02d}.{year}", f"{number}. {name} {year}", f"{number}.{month}.{two}",
            f"{number:02d}.{month:02d}.",
        f"{name} {year}", f"{number}. {name}", f"{number:02d}.{month:02d}.{two}", f"{number}. {short} {year}",
        f"{year}-{month:02d}-{number:02d}", f"{month:02d}/{year}", f"{number:02d}/{month:02d}/{year}",
    )  # fmt: skip
