"""Places that follow one another are one: a clinic, its street, its town and its state."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ringfence.recognize.span import Span

_PLACES = frozenset({"ADDRESS", "PLACE", "COUNTRY"})
_BETWEEN = frozenset({b", ", b" ", b",", b"\n", b",\n", b", \n", b" - ", b"\n ", b"\r\n"})
"""What stands between the parts of an address."""


def adjoin(data: bytes, spans: Iterable[Span]) -> list[Span]:
    """For places in `spans` that follow one another in `data`, spans that reach from one to the next.

    The merge makes one of them; a country alone is none of them. Linear in the number of `spans`, once sorted.
    """
    places = sorted(span for span in spans if span.entity_type in _PLACES)
    made = []
    for before, after in pairwise(places):
        if data[before.end : after.start] in _BETWEEN and before.end < after.start:
            types = {before.entity_type, after.entity_type}
            if types == {"COUNTRY"}:
                continue
            kind = "ADDRESS" if "ADDRESS" in types else "PLACE"
            made.append(Span(before.start, after.end, kind, min(before.score, after.score), "adjoin:place"))
    return made
