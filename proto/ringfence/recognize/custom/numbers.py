"""Numbers however they are grouped: ``12345678`` written ``12 345 678`` or ``12-34-56-78``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import re2

from ringfence.recognize.custom.terms import NUMBER_BYTES_MIN, NUMBER_DIGITS_MIN

GROUPS_MAX = 10
"""Most groups of one number: an IBAN of 34 has nine, and one for a prefix."""
NUMBER_BYTES_MAX = 40
"""Longest number."""

_RUN = re2.compile(  # type: ignore[no-untyped-call]  # google-re2 has no types
    rb"(?:\b[A-Za-z]{1,4}[ ./-])?[0-9A-Za-z]*[0-9][0-9A-Za-z]*(?:[ ./-][0-9A-Za-z]*[0-9][0-9A-Za-z]*)*"
)
_GROUP = re.compile(rb"[0-9A-Za-z]+")


class Number(NamedTuple):
    """A place where a grouped number may stand."""

    start: int
    """First byte in the folded text."""
    end: int
    """One past the last."""
    key: bytes
    """Its letters and digits alone."""


def grouped_numbers(folded: bytes) -> Iterator[Number]:
    """Every run of two to `GROUPS_MAX` neighbouring groups that may be one number; linear in the text."""
    for run in _RUN.finditer(folded):
        spans = [match.span() for match in _GROUP.finditer(folded, *run.span())]
        for first in range(len(spans) - 1):
            key = folded[slice(*spans[first])]
            for start, end in spans[first + 1 : first + GROUPS_MAX]:
                key += folded[start:end]
                if len(key) > NUMBER_BYTES_MAX:
                    break
                if len(key) >= NUMBER_BYTES_MIN and _digits(key) >= NUMBER_DIGITS_MIN:
                    yield Number(spans[first][0], end, key)


def _digits(key: bytes) -> int:
    return len(key) - len(key.translate(None, b"0123456789"))
