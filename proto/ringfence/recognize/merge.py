"""Overlapping spans become one: decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.span import Span

_UNSPECIFIC = frozenset({"ID", "CASE_ID"})
"""Types that give way to any other."""
_SEVERITY = {entity_type: (int(label.level), entity_type not in _UNSPECIFIC) for entity_type, label in ENTITIES.items()}


def _rank(span: Span) -> tuple[tuple[int, bool], int, float, str]:
    return _SEVERITY[span.entity_type], span.end - span.start, span.score, span.entity_type


def merge(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans without overlaps.

    Spans that overlap, directly or through others, become one that covers them all, so nothing found is ever lost. It
    carries type, score and recogniser of the severest one: the highest level, then the more specific type, then the
    longest, then the surest. The order of `spans` does not matter.
    """
    merged: list[Span] = []
    best: Span | None = None
    for span in sorted(spans):
        if best is None or span.start >= merged[-1].end:
            best = span
            merged.append(span)
            continue
        if _rank(span) > _rank(best):
            best = span
        last = merged[-1]
        merged[-1] = Span(last.start, max(last.end, span.end), best.entity_type, best.score, best.recogniser)
    return merged
