"""Identifiers broken over a line's end, or over the cells of a row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringfence.recognize.views.passage import Edit
from ringfence.recognize.views.strong import crosses

BREAK_TRIGGER = (
    r"(?:[0-9][-./]?|@|[0-9] ?\\)[ \t|]{0,4}\r?\n[ \t>|#*/]{0,16}[0-9@.(-]|"
    r"[A-Z0-9][ \t]{0,4}\r?\n[ \t>|#*/]{0,16}[0-9@]|"
    r"@[ \t]{0,4}\r?\n[ \t>|]{0,16}[a-z0-9]|[a-z][-.][ \t]{0,4}\r?\n[ \t>|]{0,16}(?-i:[a-z])|"
    r"@[a-z0-9.-]{1,64}[ \t]{0,4}\r?\n|"
    r"(?-i:\b[A-Z]\r?\n[ \t>|]{0,16}[A-Z][0-9]{2})|"
    r"(?-i:[0-9] [A-Z]{1,3}\r?\n[ \t>|]{0,16}[A-Z0-9]{1,4} ?[0-9]{4})|"
    r"[a-z0-9_-]{8}\r?\n[ \t>|]{0,16}[a-z0-9_-]{8}"
)
_MARGIN = " \t>|#*+/"
_REACH_CHARS = 48
"""How far an identifier reaches on either side of a line's end."""
_DIGITS_MIN = 8
"""A date has as many; nothing shorter than it is put together."""
_KEY_CHARS_MIN = 16
_FIGURES = "0123456789 .-/()+"
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,2}(?:\d{2}|\d?$)")
_CELL = re.compile(r"[ \t]{0,4}[|\t;][ \t]{0,4}")
CELLS_TRIGGER = r"[0-9][ \t]{0,4}[|\t;][ \t]{0,4}[0-9-]+[ \t]{0,4}[|\t;][ \t]{0,4}[0-9]"


def line_ends(text: str) -> Iterator[Edit]:
    """Line ends, with indentation and a quotation's marks after them, where an identifier runs across.

    A word that a hyphen divides is put together anyway.
    """
    at = text.find("\n")
    while at >= 0:
        before = text[max(0, at - _REACH_CHARS) : at].rpartition("\n")[2]
        left = before.rstrip(" \t\r|\\")
        after = text[at + 1 : at + 1 + _REACH_CHARS].partition("\n")[0]
        right = after.lstrip(_MARGIN)
        start, end = at - (len(before) - len(left)), at + 1 + len(after) - len(right)
        if left and right:
            if left[-1] == "-" and left[-2:-1].isalpha() and right[0].islower():
                yield Edit(start - 1, end, "")
            elif _is_likely(left, right):
                if crosses(left + right, len(left)):
                    yield Edit(start, end, "")
                elif crosses(f"{left} {right}", len(left)):
                    yield Edit(start, end, " ")
        at = text.find("\n", at + 1)


def _is_likely(left: str, right: str) -> bool:
    """Whether a look is worth it: digits run across, an address or an account is near, or a key runs across."""
    before = sum(map(str.isdigit, left[len(left.rstrip(_FIGURES)) :]))
    after = sum(map(str.isdigit, right[: len(right) - len(right.lstrip(_FIGURES))]))
    if (before and after and before + after >= _DIGITS_MIN) or "@" in left[-24:] or "@" in right[:24]:
        return True
    if not left[-1].isalnum() or not right[0].isalnum():
        return False
    near = left.rpartition(" ")[2] + right.partition(" ")[0]
    return _ACCOUNT.search(left) is not None or (len(near) >= _KEY_CHARS_MIN and any(map(str.isdigit, near)))


def cells(text: str) -> Iterator[Edit]:
    """Marks between cells where what stands in them is one identifier."""
    for match in _CELL.finditer(text):
        before = text[max(0, match.start() - _REACH_CHARS) : match.start()].rpartition("\n")[2]
        after = text[match.end() : match.end() + _REACH_CHARS].partition("\n")[0]
        if not before or not after or not (before[-1].isdigit() or after[0].isdigit()):
            continue
        left, right = _CELL.sub("", before), _CELL.sub("", after)
        if crosses(left + right, len(left)):
            yield Edit(match.start(), match.end(), "")
