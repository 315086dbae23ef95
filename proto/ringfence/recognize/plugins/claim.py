"""What every plug-in says of a text, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Claim(NamedTuple):
    """One thing that a plug-in sees."""

    start: int
    """First character."""
    end: int
    """One past the last."""
    label: str
    """In its own words."""
    score: float
    """How sure it is, 0 to 1; 1 where it does not say."""


Reader = Callable[[str], Iterable[Claim]]
"""Reads one piece of text. May raise; may be slow; is called by one thread at a time."""
