"""What a site plugs in of its own: plain values, read from the processes' configuration (see ``[classification]``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Case(StrEnum):
    """How a dictionary reads capitals."""

    IGNORE = "ignore"
    """``SMITH``, ``Smith`` and ``smith`` are the same."""
    CAPITAL = "capital"
    """The same, but the text must begin with a capital (or a digit): for names that are words, such as Brown."""
    EXACT = "exact"
    """As it stands in the list."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A list of terms to find: staff, departments, facilities, account numbers."""

    name: str
    """Names it in findings (``dictionary:NAME``) and errors; letters, digits and hyphens."""
    path: Path
    """Text, one term a line (``#`` begins a comment line), or CSV with a header, by ending ``.csv``; for `hashed` what
    ``ringfence policy hash`` wrote."""
    entity_type: str = "CUSTOM"
    """A key of `ringfence.recognize.entities.ENTITIES`: what a term is."""
    case: Case = Case.IGNORE
    """How capitals are read; `hashed` knows no EXACT."""
    whole_word: bool = True
    """Whether a term must stand between marks or blanks; `hashed` knows whole words only."""
    person_variants: bool = False
    """Whether terms are persons' names, given name first: ``Smith, John``, ``J. Smith``, ``Smith J`` and, without what
    stands between them, ``John Smith`` are found too. A `hashed` list has them by the command that made it."""
    column: str = ""
    """The column of a CSV file that holds the terms."""
    hashed: bool = False
    """Whether the file holds keyed hashes instead of terms; needs `CustomSettings.key_file`."""


@dataclass(frozen=True, slots=True)
class CustomSettings:
    """All of a site's own recognisers."""

    pattern_files: tuple[Path, ...] = ()
    """TOML files of ``[[pattern]]`` tables."""
    dictionaries: tuple[Dictionary, ...] = ()
    """Lists of terms."""
    allow_files: tuple[Path, ...] = ()
    """TOML files of ``[[allow]]`` tables: what is no finding."""
    key_file: Path | None = None
    """The site key of hashed dictionaries: 32 bytes or more, mode 0600 or stricter."""
