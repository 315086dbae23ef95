"""A span while it is being recognised: bytes of the folded text, before offsets are mapped back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Span(NamedTuple):
    """What a second look returns; a named tuple because one is made per candidate on the hot path."""

    start: int
    """First byte in the folded text."""
    end: int
    """One past the last byte."""
    entity_type: str
    """A key of `ringfence.recognize.entities.ENTITIES`."""
    score: float
    """Confidence from 0 to 1."""
    recogniser: str
    """Which recogniser found it."""


Spans = tuple[Span, ...]
Look = Callable[[bytes, int, int], Spans]
"""A second look: folded text, start and end of what hyperscan reported; the spans that stand there.

A look reads at most a bounded window round the hit, so the cost of a scan is linear in the text.
"""

NONE: Spans = ()
"""Nothing stands there."""
