"""A generated text with the places of its identifiers: the same shape as a row of an annotated corpus."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Split = Literal["train", "eval"]
"""Which half of names, layouts and words a document is made of. What belongs to ``eval`` never occurs in ``train``."""

OPTIONAL = frozenset(
    {"AGE_UNDER_90", "SEX", "KINSHIP", "PROFESSION", "NATIONALITY", "COUNTRY", "STATE", "YEAR", "TIME", "TITLE"}
)
"""Labels that identify nobody by themselves (45 CFR 164.514(b)(2)(i)(B) and (C) let states and years stand): a finding
of one is neither asked for nor held against a recogniser."""

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "PERSON": "PERSON",
        "TITLE": "PERSON",
        "PLACE": "LOC",
        "HOSPITAL": "LOC",
        "ADDRESS": "LOC",
        "COUNTRY": "LOC",
        "STATE": "LOC",
        "ORGANISATION": "ORG",
        "DATE": "DATE",
        "YEAR": "DATE",
        "TIME": "DATE",
        "AGE": "AGE",
        "AGE_UNDER_90": "AGE",
        "SEX": "AGE",
        "KINSHIP": "AGE",
        "PHONE": "CONTACT",
        "EMAIL": "CONTACT",
        "URL": "CONTACT",
        "NATIONALITY": "OTHER",
        "PROFESSION": "OTHER",
    }
)
"""Label to group; every other label is an ID."""


class Mark(NamedTuple):
    """One identifier; unpacks like ``[start, end, label, group]`` of a corpus."""

    start: int
    """First character."""
    end: int
    """One past the last."""
    label: str
    """An entity type, or ``HOSPITAL``, ``STATE``, ``TIME``, which corpora tell apart and recognisers need not."""
    group: str
    """PERSON, LOC, ORG, DATE, AGE, CONTACT, ID or OTHER."""


class Document(NamedTuple):
    """One text."""

    id: str
    """Kind, language, split, seed and number: enough to make it again."""
    lang: str
    """en, es, fr or de."""
    text: str
    """As a recogniser gets it."""
    spans: tuple[Mark, ...]
    """Sorted, without overlaps; those with a label of `OPTIONAL` too."""


def group_of(label: str) -> str:
    """The group of `label`."""
    return GROUPS.get(label, "ID")
