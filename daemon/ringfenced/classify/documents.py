"""A JSON document while its leaves are read: what was found in it as a whole, told to each leaf.

A schema says what a value is by where it stands (``Patient.name``, a key, a column), which the value alone does not.
So the document is scanned as it is written, and each finding in it is one in the leaf whose token it lies in; every
letter and digit of a document stands in a token, so nothing that was found is lost. The leaf is where it counts: there
it is written without escapes, and there it is replaced.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from ringfence.recognize.finding import Finding
from ringfence.recognize.place import Place


class Document:
    """Remembers the findings of a document's raw text. One object a reading; not for several tasks at once."""

    __slots__ = ("_ends", "_findings")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._findings: Sequence[Finding] = ()
        self._ends: list[int] = []

    def learn(self, findings: Iterable[Finding]) -> None:
        """Remember what was found in the raw text: sorted, without overlaps, as `Recogniser.scan` gives it."""
        self._findings = tuple(findings)
        self._ends = [finding.end for finding in self._findings]

    def told(self, place: Place, text: str, found: Iterable[Finding]) -> list[Finding]:
        """`found` in the leaf `text` that stands at `place`, and what the document knows of it beside that.

        What crosses into other tokens is told for this one's part of it, if a letter or digit stands there.
        """
        known = list(found)
        own = {(finding.start, finding.end, finding.entity_type) for finding in known}
        bounds = place.bounds()
        for index in range(bisect_right(self._ends, bounds[0]), len(self._findings)):
            finding = self._findings[index]
            if finding.start >= bounds[-1]:
                break
            start = max(0, bisect_right(bounds, finding.start) - 1)
            end = min(bisect_right(bounds, finding.end - 1), len(text))
            if (start, end, finding.entity_type) not in own and any(map(str.isalnum, text[start:end])):
                known.append(Finding(start, end, finding.entity_type, finding.score, finding.recogniser))
        return known
