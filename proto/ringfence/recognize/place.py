"""Where a stretch of a text that was put together stands in the text that it comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

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
        bounds = self.bounds()
        last = len(bounds) - 1
        return bounds[min(start - self.start, last)], bounds[min(end - self.start, last)]

    def bounds(self) -> Sequence[int]:
        """For each character of the stretch, and for its end, where it begins in the leaf."""
        if not self.escaped:
            return range(self.at, self.at + self.end - self.start + 1)
        return [self.at, *(self.at + match.end() for match in _CHARACTER.finditer(self.escaped))]
