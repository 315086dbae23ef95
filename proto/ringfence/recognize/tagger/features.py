"""What the network knows of each token: rows of its embedding table, and flags of the gazetteer.

Hashed features (Weinberger et al. 2009): each kind of feature owns a slice of one table and falls into it by a hash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ringfence.recognize.fold import UPPER
from ringfence.recognize.gazetteer import WORD_BYTES_MAX, WORDS_MAX
from ringfence.recognize.tagger.tokens import (
    DIGIT,
    LETTER,
    PRIME,
    Hashes,
    Ints,
    Tokens,
    join,
    windows,
    word_hashes,
)

SLICES = {
    "word": 8192,
    "prefix3": 2048,
    "suffix3": 2048,
    "suffix2": 1024,
    "prefix5": 4096,
    "suffix4": 4096,
    "shape": 256,
    "gap": 64,
}
"""Rows of each kind of feature."""
ROWS = sum(SLICES.values())
"""Rows of the whole table."""
FLAGS = 32
"""Flags of a token: sixteen of itself and sixteen of any entry of several words that it stands in."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / the golden ratio: spreads a hash over its upper bits (Knuth, TAOCP 6.4)."""
_LENGTH_MAX = 15
_JOIN_BYTES_MAX = 2
"""Words of one entry stand at most this far apart: a blank, or a full stop and a blank."""

_OFFSETS = dict(zip(SLICES, np.concatenate(([0], np.cumsum(list(SLICES.values()))[:-1])).tolist(), strict=True))
_HASHED = 6
"""So many of the kinds, the first ones, fall into their slice by a hash; the size of each is a power of two."""
_SHIFTS = np.array([[65 - size.bit_length()] for size in list(SLICES.values())[:_HASHED]], dtype=np.uint64)
_FIRST_ROWS = np.array([[row] for row in list(_OFFSETS.values())[:_HASHED]], dtype=np.uint64)
_IS_UPPER = np.zeros(256, dtype=np.bool_)
_IS_UPPER[[*range(ord("A"), ord("Z") + 1), ord(UPPER)]] = True
_MARK_SHAPES = np.full(256, 96, dtype=np.int64)
"""Marks of ASCII by themselves, all others as one."""
_MARK_SHAPES[:128] += np.arange(128)


Lookup = Callable[[Hashes], npt.NDArray[np.uint16]]
"""Hashes of words or of words joined to flags; 0 for what is not listed."""


class Features(NamedTuple):
    """Features of n tokens."""

    rows: Ints
    """n x kinds: rows of the embedding table."""
    bits: npt.NDArray[np.uint32]
    """n: the gazetteer's flags of the word itself (lower half) and of entries of several words that it stands in."""

    @property
    def flags(self) -> npt.NDArray[np.float32]:
        """N x `FLAGS`: the bits apart, 0 or 1."""
        return ((self.bits[:, None] >> np.arange(FLAGS, dtype=np.uint32)) & np.uint32(1)).astype(np.float32)


def features(tokens: Tokens, lookup: Lookup) -> Features:
    """What the network reads; linear in the text."""
    values, has = windows(tokens, WORD_BYTES_MAX)
    words, powers = word_hashes(values, has)
    ends, _ = windows(tokens, 4, from_end=True)
    prefix3 = _polynomial(values[:, :3])
    suffix2 = _polynomial(ends[:, :2])
    suffix3 = _polynomial(ends[:, 2:3], suffix2)
    hashes = np.concatenate(
        (words, prefix3, suffix3, suffix2, _polynomial(values[:, 3:5], prefix3), _polynomial(ends[:, 3:], suffix3))
    ).reshape(_HASHED, len(tokens))
    hashes *= _MIX
    hashes >>= _SHIFTS
    hashes += _FIRST_ROWS
    rows = np.empty((len(tokens), len(SLICES)), dtype=np.int32)
    rows[:, :_HASHED] = hashes.T
    rows[:, 6] = _OFFSETS["shape"] + _shapes(tokens)
    rows[:, 7] = _OFFSETS["gap"] + _gaps(tokens)
    return Features(rows, _bits(tokens, words, powers, lookup))


def _polynomial(values: npt.NDArray[np.uint64], begun: Hashes | None = None) -> Hashes:
    """The hash of each row of `values`, or that of `begun` with the row appended."""
    columns = list(values.T)
    hashes = columns.pop(0) if begun is None else begun
    for column in columns:
        hashes = hashes * PRIME + column
    return hashes


def _shapes(tokens: Tokens) -> Ints:
    """Kind, case and length: letters as ``x``, ``X``, ``Xx``, ``XX``, ``xX``; digits; marks by themselves."""
    if not len(tokens):
        return np.zeros(0, dtype=np.int32)
    firsts = tokens.data[tokens.starts]
    before = np.zeros(len(tokens.data) + 1, dtype=np.int32)
    np.cumsum(_IS_UPPER[tokens.data], out=before[1:])
    lengths = tokens.ends - tokens.starts
    uppers = before[tokens.ends] - before[tokens.starts]
    mixed = np.where((uppers == 1) & _IS_UPPER[firsts], 1, 4)
    case = np.where(uppers == lengths, 2 + (lengths > 1), mixed)
    case *= uppers > 0
    length = np.minimum(lengths, _LENGTH_MAX)
    case *= 16
    case += length
    shape = np.where(tokens.kinds == LETTER, case, np.where(tokens.kinds == DIGIT, 80 + length, _MARK_SHAPES[firsts]))
    return shape.astype(np.int32)


def _gaps(tokens: Tokens) -> Ints:
    """What stands before and after each token: nothing, blanks, a line's end, an empty line, the text's end."""
    if not len(tokens):
        return np.zeros(0, dtype=np.int32)
    newline = (tokens.data == 10).astype(np.int32)  # noqa: PLR2004 - line feed
    lines = np.concatenate((np.zeros(1, dtype=np.int32), np.cumsum(newline, dtype=np.int32)))
    size = tokens.starts[1:] - tokens.ends[:-1]
    breaks = lines[tokens.starts[1:]] - lines[tokens.ends[:-1]]
    between = np.where(breaks > 0, 2 + np.minimum(breaks, 2), np.minimum(size, 2))
    before = np.concatenate(([5], between))
    after = np.concatenate((between, [5]))
    return (before * 8 + after).astype(np.int32)


def _bits(tokens: Tokens, words: Hashes, powers: Hashes, lookup: Lookup) -> npt.NDArray[np.uint32]:
    bits = np.zeros(len(tokens), dtype=np.uint32)
    place = np.flatnonzero(tokens.kinds == LETTER)
    bits[place] = lookup(words[place])
    if len(place) <= 1:
        return bits
    own, power = words[place], powers[place]
    close = tokens.starts[place[1:]] - tokens.ends[place[:-1]] <= _JOIN_BYTES_MAX
    joined, hangs, entries = own, close, []
    for count in range(1, min(WORDS_MAX, len(place))):
        joined = join(joined[:-1], own[count:], power[count:])
        hangs = close if count == 1 else hangs[:-1] & close[count - 1 :]
        entries.append((joined, hangs))
    flags = lookup(np.concatenate([hashes for hashes, _ in entries]))  # once: a call costs more than its words
    if not flags.any():
        return bits
    first = 0
    for count, (hashes, hangs) in enumerate(entries, 1):
        last = first + len(hashes)
        found = np.where(hangs, flags[first:last], 0).astype(np.uint32) << np.uint32(16)
        for shift in range(count + 1):
            bits[place[shift : shift + len(found)]] |= found
        first = last
    return bits
