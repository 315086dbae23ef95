"""A view: a text as a reader who undoes an encoding sees it, with every character's place in the original."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
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

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where characters `start` to `end` of `text` stand in the original; `start` < `end`."""
        return min(self.starts[start:end]), max(self.ends[start:end])


Views = Callable[[str], Iterable[View]]
"""All other readings of a text, nested ones included, not the text itself. Never raises; bounded in number and size."""
