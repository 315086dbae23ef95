"""Runs of base64's letters over several lines, and which lines of them are one code.

Views and `opaque` go by this alike: what one takes for read, the other has read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

BREAK: Final = r"[ \t]{0,8}(?:\r?\n|(?:\\r)?\\n)[ \t>|]{0,8}"
"""Between two lines; in a pattern."""
MORE_LINES: Final = rf"(?:{BREAK}(?:[A-Za-z0-9+/_-]{{4,}}+|[A-Za-z0-9+/_-]{{2,3}}(?==)))*+={{0,2}}"
"""Further lines of base64, indented or quoted, broken by an end of line or by what a document writes for one."""
_BREAKS = re.compile(BREAK)

_Read = TypeVar("_Read")


def lines_of(text: str, start: int, end: int) -> list[range]:
    """Where the lines of a run stand in `text`, without its padding."""
    lines, at = [], start
    for gap in _BREAKS.finditer(text, start, end):
        lines.append(range(at, gap.start()))
        at = gap.end()
    lines.append(range(at, at + len(text[at:end].rstrip("="))))
    return lines


def joined(text: str, lines: Iterable[range]) -> str:
    """What stands in some lines of `text`, as one."""
    return "".join([text[line.start : line.stop] for line in lines])


def codes(
    lines: Sequence[range], read: Callable[[Sequence[range]], _Read | None]
) -> Iterator[tuple[Sequence[range], _Read | None]]:
    """The lines of a run, as the codes that they are, in order: each once.

    A code is broken into lines of one length, and the last may be shorter; but that one may be the first word of what
    follows, or another code, and a word may stand before. The whole is tried first, since somebody may break otherwise.

    Args:
        lines: of the run.
        read: what is made of some lines taken as one code; None where that is nothing. Asked some three times of each.

    Yields:
        Some lines and what was made of them.
    """
    whole = read(lines)
    if whole is not None:
        yield lines, whole
        return
    at = 0
    while at < len(lines):
        end = _block_end(lines, at)
        with_last = end + 1 if end < len(lines) and len(lines[end]) < len(lines[at]) else end
        for stop in range(with_last, end - 1, -1):
            form = lines[at:stop]
            made = read(form) if len(form) < len(lines) else None
            if made is not None:
                yield form, made
                at = stop
                break
        else:
            yield lines[at:end], None
            at = end


def _block_end(lines: Sequence[range], at: int) -> int:
    end, width = at + 1, len(lines[at])
    while end < len(lines) and len(lines[end]) == width:
        end += 1
    return end
