"""The closed pools that surrogate persons and places are drawn from: invented, natural to read, nobody's.

Names are built of parts; `FIRST_NAMES` and `LAST_NAMES` are disjoint and every name stands for itself alone, so that
``first x last`` gives 80,000 persons and each half is recognisable without the other. None is a name in common use.
"""

from __future__ import annotations

_FIRST_STEMS = [
    "Arv",
    "Belv",
    "Caldr",
    "Dorv",
    "Eldr",
    "Fenv",
    "Galvr",
    "Hestr",
    "Isvr",
    "Jorv",
    "Keldr",
    "Lorv",
    "Merv",
    "Nevr",
    "Orv",
    "Pelv",
    "Quendr",
    "Rosv",
    "Sylv",
    "Tavr",
]
_FIRST_ENDINGS = ["avel", "ennic", "imond", "orwyn", "ustra", "athra", "ellith", "ovane", "yrian", "issel"]
_LAST_STEMS = [
    "Ashk",
    "Brack",
    "Crest",
    "Drav",
    "Elmsk",
    "Farnd",
    "Grimv",
    "Hollv",
    "Ingr",
    "Kestr",
    "Lanv",
    "Morv",
    "Northv",
    "Osk",
    "Pellv",
    "Ravv",
    "Stanv",
    "Thornv",
    "Ulvr",
    "Wexl",
]
_LAST_ENDINGS = [
    "amoor",
    "andrell",
    "arvex",
    "elquist",
    "emsby",
    "enthal",
    "erval",
    "eskar",
    "ethorn",
    "evarre",
    "immick",
    "inholt",
    "istrel",
    "ivant",
    "olmar",
    "ondale",
    "orvane",
    "uldrick",
    "umfrey",
    "yvern",
]

FIRST_NAMES: tuple[str, ...] = tuple(stem + ending for stem in _FIRST_STEMS for ending in _FIRST_ENDINGS)
"""200 given names."""
LAST_NAMES: tuple[str, ...] = tuple(stem + ending for stem in _LAST_STEMS for ending in _LAST_ENDINGS)
"""400 surnames."""

STREETS: tuple[str, ...] = tuple(
    stem + ending
    for stem in ["Quorn", "Velm", "Tarrow", "Brinsk", "Oldarv", "Fensk", "Marrov", "Hestil", "Ulmarsk", "Dravel"]
    for ending in ("ick", "mere", "holt", "gate")
)
"""40 street names."""
TOWNS: tuple[str, ...] = ("Exampleton", "Placeholm", "Samplebury", "Mockford")
"""4 towns."""

PERSON_WORDS = frozenset(name.casefold() for name in (*FIRST_NAMES, *LAST_NAMES))
"""Every word of a surrogate person."""
PLACE_WORDS = frozenset(name.casefold() for name in (*STREETS, *TOWNS, "Street", "ZZ"))
"""Every word of a surrogate address; house numbers and ZIPs stand beside them."""
