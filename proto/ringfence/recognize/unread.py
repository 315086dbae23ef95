"""What was found to be unreadable is left out of what is read for its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.recognize.span import Span

UNREAD: Final = frozenset({"OPAQUE"})
"""Types of what nobody can read; it stays inside as it is, whatever else stands there."""


def blanked(text: str, unread: Sequence[Span]) -> str:
    """`text` with a blank for each character of `unread`, in characters of it: all else stays in its place."""
    if not unread:
        return text
    parts: list[str] = []
    at = 0
    for span in sorted(unread):
        start = max(at, span.start)
        parts += (text[at:start], " " * (span.end - start))
        at = max(at, span.end)
    return "".join((*parts, text[at:]))
