"""A view: a text as a reader who undoes an encoding sees it, with every character's place in the original."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)  # it holds content, which nothing may print
class View:
    """Another reading of a text, or of a part of it."""

    name: str
    """Which reading, for example ``base64``; nested ones are joined by ``+``."""
    text: str
    """What it reads."""
    starts: Sequence[int]
    """For each character of `text`, the first character of the original that it comes from."""
    ends: Sequence[int]
    """For each character of `text`, one past the last character of the original that it comes from."""

    is_prose: bool = False
    """Whether it undoes an encoding, so that whole sentences may come to light; else it only puts together what stands
    in the text in another order or with something between, and what reads prose would take that for names."""
    is_decoded: bool = False
    """Whether it only undoes codes, so that a file or noise in it was one before."""
    changed: Sequence[tuple[int, int]] | None = None
    """Sorted stretches of `text` that read otherwise than what it was made from, with what stands so near that it may
    mean something else now; None for all of it."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where characters `start` to `end` of `text` stand in the original; `start` < `end`."""
        return min(self.starts[start:end]), max(self.ends[start:end])

    def is_new(self, start: int, end: int) -> bool:
        """Whether characters `start` to `end` of `text` say what was not to be read before: all else was scanned."""
        if self.changed is None:
            return True
        index = bisect_right(self.changed, start, key=_last)
        return index < len(self.changed) and self.changed[index][0] < end


def _last(stretch: tuple[int, int]) -> int:
    return stretch[1]


Views = Callable[[str], Iterable[View]]
"""All other readings of a text, nested ones included, not the text itself. Never raises; bounded in number and size."""
