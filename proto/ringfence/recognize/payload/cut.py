"""Spans that keep inside the fields of a payload.

A recogniser that knows no schema may see one name in ``DOE^JOHN`` or one address in two columns. A surrogate in its
place would swallow the delimiter, so each piece between delimiters becomes a span of its own.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from ringfence.recognize.span import Span


def cut(text: str, spans: Iterable[Span], walls: Sequence[tuple[int, int]]) -> list[Span]:
    """`spans` without the parts that lie in `walls`, in pieces where a wall crosses them.

    Args:
        text: what they stand in; pieces without a letter or digit are left out, and blanks at a cut.
        spans: in any order.
        walls: sorted, from `read_payload`.
    """
    if not walls:
        return list(spans)
    kept: list[Span] = []
    for span in spans:
        index = max(0, bisect_right(walls, (span.start, sys.maxsize)) - 1)
        if walls[index][1] <= span.start:
            index += 1
        if index >= len(walls) or walls[index][0] >= span.end:
            kept.append(span)
            continue
        at = span.start
        while index < len(walls) and walls[index][0] < span.end:
            kept += _piece(text, span, at, walls[index][0])
            at = max(at, walls[index][1])
            index += 1
        kept += _piece(text, span, at, span.end)
    return kept


def _piece(text: str, span: Span, start: int, end: int) -> tuple[Span, ...]:
    if not any(char.isalnum() for char in text[start:end]):
        return ()
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    return (span._replace(start=start, end=end),)
