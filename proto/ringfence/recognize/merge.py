"""Overlapping spans become one: decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.labels import Level
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.guesses import GUESSES, UNSPECIFIC
from ringfence.recognize.span import Span

_FIRST = {"SECRET": 10, "OPAQUE": 9, "IBAN": 8}
"""Before all others: a secret and what cannot be read, which are never replaced; and an IBAN, whose check digits speak
for all of it, while one in ten has a part that passes for a card number."""
_PRECEDENCE = {
    entity_type: (_FIRST.get(entity_type, int(label.level)), entity_type not in UNSPECIFIC)
    for entity_type, label in ENTITIES.items()
}

_UNKNOWN = (int(Level.RESTRICTED), True)
"""A type that the table does not know, a site's or a plug-in's: nobody says that it may be less."""


def _rank(span: Span) -> tuple[tuple[int, bool], bool, int, float, str]:
    # Who tells a type by context gives way to who tells it by a shape, a label, a schema or a list.
    is_known = not span.recogniser.startswith(GUESSES)
    precedence = _PRECEDENCE.get(span.entity_type, _UNKNOWN)
    return precedence, is_known, span.end - span.start, span.score, span.entity_type


def merge(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans without overlaps.

    Spans that overlap, directly or through others, become one that covers them all, so nothing found is ever lost. It
    carries type, score and recogniser of the first by: secrets, IBANs, the highest level, the more specific type, what
    was not guessed by the tagger, the longest, the surest. The order of `spans` does not matter.
    """
    merged: list[Span] = []
    best: Span | None = None
    start = end = 0
    for span in sorted(spans):
        if best is None or span[0] >= end:
            if best is not None:
                merged.append(best if best[0] == start and best[1] == end else best._replace(start=start, end=end))
            best = span
            start, end = span[0], span[1]
            continue
        end = max(end, span[1])
        # The commonest case by far: another span of the same type inside the best one changes nothing.
        if (span[2] != best[2] or span[1] - span[0] > best[1] - best[0] or span[3] > best[3]) and _rank(span) > _rank(
            best
        ):
            best = span
    if best is not None:
        merged.append(best if best[0] == start and best[1] == end else best._replace(start=start, end=end))
    return merged
