"""Where a finding stands that was made in a view: in the text as the caller sent it.

A view repeats characters that are counted elsewhere: a JSON string without its escapes, the parts of a message joined.
What is found in one is told at its place in the original, so that a caller can look there, that nothing counts twice,
and that no path names a key of a document, which may be somebody's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from ringfence.recognize.finding import Finding
from ringfence.recognize.merge import merge
from ringfence.recognize.place import Place
from ringfence.recognize.span import Span
from ringfenced.model import Located


def originals(found: Iterable[Located], places: Iterable[Place]) -> Iterator[Located]:
    """What was `found` in a view, where the caller's own text has it: in each leaf that a part of it comes from.

    Args:
        found: positions count in the view's text.
        places: where the view's stretches come from.
    """
    places = tuple(places)
    for finding in (located.finding for located in found):
        for place in places:
            start, end = max(finding.start, place.start), min(finding.end, place.end)
            if start < end:
                yield Located(place.path, _at(finding, *place.map(start, end)))


def _at(finding: Finding, start: int, end: int) -> Finding:
    return Finding(start, end, finding.entity_type, finding.score, finding.recogniser)


def distinct(found: Iterable[Located]) -> tuple[Located, ...]:
    """`found` by leaf and place, what overlaps as one (see `ringfence.recognize.merge`), sorted within its leaf."""
    by_path: dict[str, list[Located]] = {}
    for located in found:
        by_path.setdefault(located.path, []).append(located)
    return tuple(one for path, here in by_path.items() for one in (_merged(path, here) if _overlap(here) else here))


def _overlap(found: list[Located]) -> bool:
    """Whether some overlap, or are not in order: one scan's findings are neither, so most need no merge."""
    return any(one.finding.end > next_.finding.start for one, next_ in pairwise(found))


def _merged(path: str, found: list[Located]) -> Iterator[Located]:
    spans = [
        Span(one.start, one.end, one.entity_type, one.score, one.recogniser) for one in (it.finding for it in found)
    ]
    return (Located(path, Finding(*span)) for span in merge(spans))
