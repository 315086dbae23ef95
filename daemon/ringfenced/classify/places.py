"""Where a finding stands that was made in a view: in the text as the caller sent it.

A view repeats characters that are counted elsewhere: a JSON string without its escapes, the parts of a message joined.
What is found in one is told at its place in the original, so that a caller can look there, that nothing counts twice,
and that no path names a key of a document, which may be somebody's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.finding import Finding
from ringfence.recognize.merge import merge
from ringfence.recognize.span import Span
from ringfenced.model import Located

_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # one character of two escapes (RFC 8259, section 7)
    r"|\\u[0-9a-fA-F]{4}|\\.|[^\\]",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch of a view stands in a leaf whose characters are counted."""

    path: str
    """The leaf's path."""
    start: int
    """First character of the stretch in the view."""
    end: int
    """One past the last."""
    at: int
    """Where the stretch begins in the leaf."""
    escaped: str = field(default="", repr=False)
    """The stretch as the leaf writes it, where it writes it with JSON escapes; empty where the two are the same."""

    def map(self, start: int, end: int) -> tuple[int, int]:
        """Where `start` to `end` of the view stand in the leaf; both within the stretch."""
        if not self.escaped:
            return self.at + start - self.start, self.at + end - self.start
        bounds = [self.at, *(self.at + match.end() for match in _CHARACTER.finditer(self.escaped))]
        last = len(bounds) - 1
        return bounds[min(start - self.start, last)], bounds[min(end - self.start, last)]


def originals(finding: Finding, path: str, places: Iterable[Place]) -> Iterator[Located]:
    """`finding` where the caller's own text has it: in each leaf that a part of it comes from.

    Args:
        finding: made in a leaf; positions count in its text.
        path: the leaf's own.
        places: where its stretches come from; empty for a leaf that is no view.
    """
    places = tuple(places)
    if not places:
        yield Located(path, finding)
    for place in places:
        start, end = max(finding.start, place.start), min(finding.end, place.end)
        if start < end:
            at, until = place.map(start, end)
            yield Located(place.path, Finding(at, until, finding.entity_type, finding.score, finding.recogniser))


def distinct(found: Iterable[Located]) -> tuple[Located, ...]:
    """`found` by leaf and place, what overlaps as one (see `ringfence.recognize.merge`), sorted within its leaf."""
    by_path: dict[str, list[Finding]] = {}
    for located in found:
        by_path.setdefault(located.path, []).append(located.finding)
    return tuple(Located(path, finding) for path, findings in by_path.items() for finding in _merged(findings))


def _merged(findings: list[Finding]) -> list[Finding]:
    if len(findings) == 1:
        return findings
    known = [
        Span(one.start, one.end, one.entity_type, one.score, one.recogniser)
        for one in findings
        if one.entity_type in ENTITIES
    ]
    unknown = {one for one in findings if one.entity_type not in ENTITIES}  # a plug-in's: of no rank, so kept apart
    return sorted([*(Finding(*span) for span in merge(known)), *unknown])
