"""Every further mention of a name that was found: the whole of it, its surname or given name alone, in capitals."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from ringfence.recognize.span import Span
from ringfence.recognize.vocabulary import COMMON_WORDS, NOT_NAMES, PARTICLES

_NAME_WORD = re.compile(rb"[A-Za-z\xc0\xe0][A-Za-z\xc0\xe0'-]*")
_LETTERS = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\xc0\xe0_")
_FIND_MAX = 32
"""With more words than this one pass over the text's words is cheaper than one search a word, and linear."""


def mentions(buf: bytes, found: Iterable[Span]) -> list[Span]:
    """Mentions in `buf` of the words of the persons in `found`; some of them lie in what is found already."""
    names = {(span.start, span.end) for span in found if span.entity_type == "PERSON"}
    if not names:
        return []
    words: set[bytes] = set()
    for start, end in names:
        words |= name_words(buf, start, end)
    bounds = sorted(names)
    return [mention for mention in find_words(buf, words) if not _inside(mention.start, bounds)]


def _inside(place: int, bounds: list[tuple[int, int]]) -> bool:
    """Whether the last of the sorted `bounds` that begins at or before `place` reaches beyond it."""
    index = bisect_right(bounds, (place, sys.maxsize)) - 1
    return index >= 0 and bounds[index][1] > place


def name_words(buf: bytes, start: int, end: int) -> set[bytes]:
    """The words of the name at `start` to `end` of a folded text that stand for the person alone, in lower case.

    Particles, initials and words that no name is guessed from do not; each half of a double name does.
    """
    words = buf[start:end].lower()
    found = _NAME_WORD.findall(words)
    if b"-" in words:
        found += [half for word in found for half in word.split(b"-") if len(half) > 3]  # noqa: PLR2004 - as a surname
    return {word for word in found if _stands_alone(word)}


def find_words(buf: bytes, words: AbstractSet[bytes]) -> list[Span]:
    """Where `words` (lower case) stand in `buf` as names.

    A word of up to three letters, and one that is an English word too, counts only with a capital.
    """
    if not words:
        return []
    low = buf.lower()
    hits = _by_word(low, words) if len(words) > _FIND_MAX else _by_search(low, words)
    return [
        Span(start, end, "PERSON", 0.7, "mention:person") for start, end in hits if _is_mention(buf, low, start, end)
    ]


def _stands_alone(word: bytes) -> bool:
    return len(word) > 1 and word not in NOT_NAMES and word not in PARTICLES and word.strip(b"\xe0\xc0'-") != b""


def _by_search(low: bytes, words: AbstractSet[bytes]) -> list[tuple[int, int]]:
    hits: list[tuple[int, int]] = []
    for word in words:
        at = low.find(word)
        while at >= 0:
            hits.append((at, at + len(word)))
            at = low.find(word, at + 1)
    return hits


def _by_word(low: bytes, words: AbstractSet[bytes]) -> list[tuple[int, int]]:
    return [
        match.span() for match in _NAME_WORD.finditer(low) if match.group() in words or _stem(match.group()) in words
    ]


def _stem(word: bytes) -> bytes:
    return word[:-2] if word.endswith(b"'s") else word


def _is_mention(buf: bytes, low: bytes, start: int, end: int) -> bool:
    if (start and buf[start - 1] in _LETTERS) or (end < len(buf) and buf[end] in _LETTERS):
        return False
    if buf[start] != low[start]:
        return True
    return end - start > 3 and low[start:end] not in COMMON_WORDS  # noqa: PLR2004 - short words are too often others
