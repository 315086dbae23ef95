"""Where an entity begins and ends: without the marks and small words beside it, with the title before it."""

from __future__ import annotations

from ringfence.recognize.tagger.runs import Run
from ringfence.recognize.tagger.text import Text
from ringfence.recognize.tagger.tokens import DIGIT, LETTER, MARK
from ringfence.recognize.tagger.words import ABBREVIATIONS, EDGES, PARTICLES, TITLES

_OPENING = frozenset({b"#", b"+", b"(", b"@", b"/", b"\xc0", b"\xe0"})
"""Marks that an entity may begin with."""
_ARTICLES = frozenset({b"el", b"la"})
"""Particles that are articles more often."""
_ABBREVIATED = frozenset({"ADDRESS", "ORGANISATION", "PLACE"})


def trimmed(text: Text, run: Run) -> tuple[int, int] | None:
    """The first and the last token of the entity in `run`; None where nothing is left of it."""
    first, last = run.first, run.last
    while first <= last and _begins_outside(text, run.name, first):
        first += 1
    while first <= last and _ends_outside(text, run.name, last):
        last -= 1
    if first > last:
        return None
    if run.name == "PERSON":
        first = _with_title(text, first)
        if first == last and text.token(first).lower() in TITLES:
            return None
    return first, last


def _begins_outside(text: Text, name: str, index: int) -> bool:
    """Whether an entity cannot begin with this token."""
    kind = text.kinds[index]
    if kind == DIGIT or (kind == LETTER and name == "CONTACT"):
        return False
    word = text.token(index)
    if kind == MARK:
        return word not in _OPENING
    return word in EDGES and (word not in PARTICLES or word in _ARTICLES)


def _ends_outside(text: Text, name: str, index: int) -> bool:
    """Whether an entity cannot end with this token."""
    kind = text.kinds[index]
    if kind == DIGIT or (kind == LETTER and name == "CONTACT"):
        return False
    word = text.token(index)
    if kind != MARK:
        return word in EDGES
    if word == b")":
        return False
    if word == b"/":
        return name != "CONTACT"
    # The full stop of an initial or an abbreviation stays; one that ends a sentence goes.
    return word != b"." or not (_is_initials(text, index) or _is_abbreviation(text, name, index))


def _is_initials(text: Text, index: int) -> bool:
    before = index - 1
    return (
        before >= 0
        and text.kinds[before] == LETTER
        and text.ends[before] == text.starts[index]
        and text.ends[before] - text.starts[before] == 1
    )


def _is_abbreviation(text: Text, name: str, index: int) -> bool:
    return name in _ABBREVIATED and index > 0 and text.token(index - 1).lower() in ABBREVIATIONS


def _with_title(text: Text, first: int) -> int:
    """`first`, or the title before it."""
    at = first - 1
    if at > 0 and text.token(at) == b".":
        at -= 1
    return at if at >= 0 and text.token(at).lower() in TITLES else first
