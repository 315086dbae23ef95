"""Many terms at once: hyperscan's literal matcher over a squeezed text.

Chosen by figures (bench/recognize_custom.py): a 2 KB note costs the same against 1,000 and 100,000 terms. A set of
words in Python is as flat and two to three times as slow. Compiling costs more than linearly in the number of terms, so
they are compiled in shards; each lies in the cache on its own.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import hyperscan

from ringfence.recognize.cache import read_cached, write_cached
from ringfence.recognize.custom.numbers import grouped_numbers
from ringfence.recognize.custom.squeeze import Places, squeeze

SHARD_TERMS_MAX = 20_000
"""Terms compiled together: half a second and 60 MB; 100,000 at once cost five seconds and 260 MB."""

_COUNT_BYTES = 4


class Literal(NamedTuple):
    """One way to write one term."""

    text: bytes
    """Its words with one blank between."""
    owner: int
    """Which dictionary it belongs to, 0 to 255."""
    whole_word: bool
    """Whether it must stand between marks or blanks."""
    exact_case: bool
    """Whether capitals must be as they are here."""


class Hit(NamedTuple):
    """Where a term stands."""

    start: int
    """First byte in the folded text."""
    end: int
    """One past the last."""
    owner: int
    """Whose it is."""


class _Shard(NamedTuple):
    database: hyperscan.Database
    lengths: bytes
    """By match id: bytes of the term."""
    owners: bytes
    """By match id: whose it is, and in the highest bit whether blanks stand round it."""


_PADDED = 0x80
"""Marks a literal that is compiled with a blank on each side."""
OWNERS_MAX = 127
"""Most dictionaries."""


class Literals:
    """Finds terms. Calls from several threads take turns."""

    __slots__ = ("_lock", "_shards")

    def __init__(self, shards: Sequence[_Shard]) -> None:
        """Serve compiled shards; see `load_literals`."""
        self._shards = tuple(shards)
        for shard in self._shards:
            shard.database.scratch = hyperscan.Scratch(shard.database)
        self._lock = threading.Lock()

    def find(self, folded: bytes) -> list[Hit]:
        """Every place of every term in `folded`; some overlap. Linear in the text."""
        found: list[Hit] = []
        if raw := self._scan(squeeze(folded)):
            places = Places(folded)
            for start, end, owner in raw:
                if (span := places.span(start, end)) is not None:
                    found.append(Hit(*span, owner))
        return found + self._find_grouped(folded)

    def _find_grouped(self, folded: bytes) -> list[Hit]:
        numbers = list(grouped_numbers(folded))
        if not numbers:
            return []
        raw = self._scan(b" " + b" ".join(number.key for number in numbers) + b" ")
        starts = list(accumulate((len(number.key) + 1 for number in numbers), initial=1))
        found = []
        for start, end, owner in raw:
            index = bisect_right(starts, start) - 1
            number = numbers[index]
            if start == starts[index] and end - start == len(number.key):  # not a part of one, nor of two
                found.append(Hit(number.start, number.end, owner))
        return found

    def _scan(self, squeezed: bytes) -> list[tuple[int, int, int]]:
        """Start, end and owner of each term in a squeezed text."""
        found: list[tuple[int, int, int]] = []
        for shard in self._shards:
            hits: list[tuple[int, int]] = []
            with self._lock:
                shard.database.scan(squeezed, match_event_handler=_keep, context=hits)
            for number, end in hits:
                owner = shard.owners[number]
                last = end - (owner >> 7)
                found.append((last - shard.lengths[number], last, owner & OWNERS_MAX))
        return found


def _keep(number: int, _start: int, end: int, _flags: int, hits: Any) -> None:
    """Called by hyperscan for each match."""
    hits.append((number, end))


def load_literals(
    read: Callable[[], Sequence[Literal]], *, cache_dir: Path | None, name: str
) -> tuple[Literals, tuple[str, ...]]:
    """Compiled literals, from `cache_dir` where they lie there intact, else compiled and put there.

    Args:
        read: gives the literals, without duplicates; only called where something has to be compiled.
        cache_dir: None compiles them each time.
        name: a file name that stands for what `read` will give (see `cache_name`).

    Returns:
        the literals and the names of their files.
    """
    shards: list[_Shard] = []
    names: list[str] = []
    total = None if cache_dir is None else _total(cache_dir / name)
    if cache_dir is not None and total is not None:
        names = [name, *(f"{name[:-3]}-{index}.hs" for index in range(total))]
        for part in names[1:]:
            shard = _unpack(read_cached(cache_dir / part))
            if shard is None:
                break
            shards.append(shard)
        else:
            return Literals(shards), tuple(names)
    literals = read()
    shards = [_compile(literals[start : start + SHARD_TERMS_MAX]) for start in range(0, len(literals), SHARD_TERMS_MAX)]
    names = [name, *(f"{name[:-3]}-{index}.hs" for index in range(len(shards)))]
    if cache_dir is not None:
        for part, shard in zip(names[1:], shards, strict=True):
            write_cached(cache_dir / part, _pack(shard))
        write_cached(cache_dir / name, len(shards).to_bytes(_COUNT_BYTES, "little"))
    return Literals(shards), tuple(names)


def _total(path: Path) -> int | None:
    body = read_cached(path)
    return None if body is None else int.from_bytes(body, "little")


def _compile(literals: Sequence[Literal]) -> _Shard:
    """One shard. Each literal has an id of its own: hyperscan compiles many of one id in quadratic time."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[b" " + one.text + b" " if one.whole_word else one.text for one in literals],
        ids=list(range(len(literals))),
        elements=len(literals),
        flags=[0 if one.exact_case else hyperscan.HS_FLAG_CASELESS for one in literals],
        literal=True,
    )
    owners = bytes(one.owner | (_PADDED if one.whole_word else 0) for one in literals)
    return _Shard(database, bytes(len(one.text) for one in literals), owners)


def _pack(shard: _Shard) -> bytes:
    return (
        len(shard.owners).to_bytes(_COUNT_BYTES, "little")
        + shard.lengths
        + shard.owners
        + hyperscan.dumpb(shard.database)
    )


def _unpack(body: bytes | None) -> _Shard | None:
    if body is None:
        return None
    count = int.from_bytes(body[:_COUNT_BYTES], "little")
    lengths, rest = body[_COUNT_BYTES : _COUNT_BYTES + count], body[_COUNT_BYTES + count :]
    try:
        database = hyperscan.loadb(rest[count:], hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None
    return _Shard(database, lengths, rest[:count])
