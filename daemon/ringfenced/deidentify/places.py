"""Places, organisations and addresses: what names them is replaced, what says of which kind they are stays.

``Boston General Hospital`` and ``Boston`` share their surrogate; ``48 Linden Street, Fairview, OH 44126`` keeps order,
marks, kinds and state.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ringfence.recognize.generic import PLACE_GENERIC, fold_word, is_letter, is_state
from ringfence.recognize.reserved import LONG_NUMBER

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_HOUSE = re.compile(r"\d{1,4}[A-Za-z]?")
_BETWEEN = re.compile(r"[ .'\u2019-]{1,2}")
_ZIP_4 = re.compile(r"\d{5}-\d{4}")
_ZIP_DIGITS = 5


class Part(NamedTuple):
    """A part of a place that is replaced."""

    start: int
    end: int
    kind: str
    """``name``, ``number``, ``zip``, ``code`` or ``long``."""


def parts(text: str) -> list[Part]:
    """What of `text` is replaced, in order; neighbouring words of a name are one part."""
    found: list[Part] = []
    long = [Part(*match.span(), "long") for match in LONG_NUMBER.finditer(text) if not _ZIP_4.fullmatch(match.group())]
    long.reverse()
    for match in _WORD.finditer(text):
        start, end = match.span()
        while long and long[-1].end <= start:
            found.append(long.pop())
        if long and long[-1].start <= start:
            continue
        word = match.group()
        if word[-2:] in ("'s", "\u2019s") and len(word) > 3:  # noqa: PLR2004 - a name before the possessive
            end -= 2
            word = word[:-2]
        kind = _kind(word)
        if kind == "name" and found and found[-1].kind == "name" and _BETWEEN.fullmatch(text[found[-1].end : start]):
            found[-1] = found[-1]._replace(end=end)
        elif kind:
            found.append(Part(start, end, kind))
    return [*found, *reversed(long)]


def _kind(word: str) -> str:
    if word[0].isdigit():
        if word.isdecimal() and len(word) == _ZIP_DIGITS:
            return "zip"
        if _HOUSE.fullmatch(word):
            return "number"
        return "name" if word[-2:].lower() in ("st", "nd", "rd", "th") and word[:-2].isdecimal() else "code"
    if any(map(str.isdigit, word)):
        return "code"
    return "" if is_letter(word) or is_state(word) or fold_word(word) in PLACE_GENERIC else "name"
