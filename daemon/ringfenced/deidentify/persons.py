"""Persons: each word of a name has its surrogate, so that every form of the name has one too.

``John Smith``, ``SMITH, JOHN``, ``Mr Smith`` and ``Smith's`` meet the same two words, and the answer's ``Smith`` alone
comes back without a rule of its own. A surname with its particles (``van der Berg``) is one word here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ringfence.recognize.pools import FIRST_NAMES, LAST_NAMES
from ringfence.recognize.vocabulary import PARTICLES

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")


class Piece(NamedTuple):
    """One word of a name, or a surname with its particles."""

    start: int
    end: int
    role: str
    """``given``, ``family`` or ``initial``."""


def pieces(name: str, families: frozenset[str] | set[str], givens: frozenset[str] | set[str]) -> list[Piece]:
    """The words of `name` in order, with their roles.

    Args:
        name: a name in speaking order, or surname, comma, given names.
        families: surnames known from elsewhere, casefolded; they and `givens` say what a word alone is.
        givens: given names known from elsewhere, casefolded.
    """
    words = [(match.start(), match.end()) for match in _WORD.finditer(name)]
    if not words:
        return []
    comma = name.find(",")
    if comma > 0 and any(start > comma for start, _ in words):
        family = [word for word in words if word[1] <= comma]
        given = [word for word in words if word[0] > comma]
    else:
        cut = len(words) - 1
        while cut > 0 and _is_initial(words[cut]):
            cut -= 1
        head = cut
        while head > 0 and name[slice(*words[head - 1])].casefold().encode() in PARTICLES:
            head -= 1
        family, given = words[head : cut + 1], words[:head] + words[cut + 1 :]
        if not words[:head] and len(family) == 1:
            alone = name[slice(*family[0])].casefold()
            if alone in givens and alone not in families:
                family, given = [], family + given
    found = [Piece(*word, "initial" if _is_initial(word) else "given") for word in given]
    if family:
        found.append(Piece(family[0][0], family[-1][1], "family"))
    return sorted(found)


def _is_initial(word: tuple[int, int]) -> bool:
    return word[1] - word[0] == 1


POOLS = {"given": FIRST_NAMES, "family": LAST_NAMES}
"""Where the surrogates of each role come from."""


def like(word: str, original: str) -> str:
    """`word` in the case of `original`."""
    if len(original) > 1 and original.isupper():
        return word.upper()
    return word.lower() if original.islower() else word
