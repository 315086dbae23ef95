"""Looks for a run's canaries in bytes, however they are encoded, and in what is compressed in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from zero_parts.canaries import CORE_CHARS, MARKED_CHARS, Canary
from zero_parts.encodings import ENCODINGS, inflated, needles

DEPTH_MAX = 3
"""Streams in streams."""
SHOWN_MAX = 8
"""So many hits of each needle in one piece of bytes are told; more say nothing new."""
NAMES = tuple(encoding.name for encoding in ENCODINGS)
"""What encodings are called."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where the stem was met."""

    encoding: str
    """As what; inside a compressed stream it is ``compressed``, whatever it is there."""
    at: int
    """Offset in what was searched, or in the undone stream, in bytes."""
    context: bytes
    """The bytes around it, for `whose`."""


class Search:
    """Looks for one stem."""

    def __init__(self, stem: str) -> None:
        """Make the needles once."""
        whole, core = needles(stem), needles(stem[-CORE_CHARS:])
        self._needles = [(name, needle) for name in NAMES for needle in dict.fromkeys(whole[name] + core[name])]
        self._reach = max(len(needle) for _, needle in self._needles) * 4

    def look(self, data: bytes, *, shown_max: int = SHOWN_MAX) -> list[Hit]:
        """Every place, at most `shown_max` a needle; empty where nothing is."""
        return list(self._look(data, 0, shown_max))

    def _look(self, data: bytes, depth: int, shown_max: int) -> Iterator[Hit]:
        for name, needle in self._needles:
            at, count = data.find(needle), 0
            while at >= 0 and count < shown_max:
                yield Hit(name, at, data[max(0, at - self._reach) : at + self._reach])
                at, count = data.find(needle, at + 1), count + 1
        if depth < DEPTH_MAX:
            for inner in inflated(data):
                for hit in self._look(inner, depth + 1, shown_max):
                    yield Hit("compressed", hit.at, hit.context)


def whose(hit: Hit, canaries: Iterable[Canary]) -> Canary | None:
    """Whose canary was met; None where the rest of the word is not there."""
    near = [hit.context, hit.context.lower()]
    for one in canaries:
        for word in one.words:
            if any(needle in context for needle in _needles_of(word) for context in near):
                return one
    return None


@lru_cache(maxsize=4096)
def _needles_of(word: str) -> tuple[bytes, ...]:
    plain = word[MARKED_CHARS:]  # from the core on
    return tuple(needle for said in (word, plain) for several in needles(said).values() for needle in several)
