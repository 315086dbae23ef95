"""What the network knows of each token: rows of its embedding table, and flags of the gazetteer.

Hashed features (Weinberger et al. 2009): each kind of feature owns a slice of one table and falls into it by a hash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ringfence.recognize.gazetteer import WORDS_MAX
from ringfence.recognize.tagger.tokens import (
    DIGIT,
    LETTER,
    MARK,
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
    words, powers = word_hashes(tokens)
    ends, _ = windows(tokens, 4, from_end=True)
    starts, _ = windows(tokens, 5)
    columns = (
        ("word", words),
        ("prefix3", _polynomial(starts[:, :3])),
        ("suffix3", _polynomial(ends[:, :3])),
        ("suffix2", _polynomial(ends[:, :2])),
        ("prefix5", _polynomial(starts)),
        ("suffix4", _polynomial(ends)),
    )
    rows = np.empty((len(tokens), len(SLICES)), dtype=np.int32)
    for index, (name, hashes) in enumerate(columns):
        rows[:, index] = _OFFSETS[name] + _bucket(hashes, SLICES[name])
    rows[:, 6] = _OFFSETS["shape"] + _shapes(tokens)
    rows[:, 7] = _OFFSETS["gap"] + _gaps(tokens)
    return Features(rows, _bits(tokens, words, powers, lookup))


def _polynomial(values: npt.NDArray[np.uint64]) -> Hashes:
    hashes = values[:, 0].copy()
    for column in range(1, values.shape[1]):
        hashes = hashes * PRIME + values[:, column]
    return hashes


def _bucket(hashes: Hashes, size: int) -> Ints:
    """`hashes` over `size` buckets, a power of two."""
    shift = np.uint64(64 - size.bit_length() + 1)
    return ((hashes * _MIX) >> shift).astype(np.int32)


def _shapes(tokens: Tokens) -> Ints:
    """Kind, case and length: letters as ``x``, ``X``, ``Xx``, ``XX``, ``xX``; digits; marks by themselves."""
    data = tokens.data
    if not len(tokens):
        return np.zeros(0, dtype=np.int32)
    is_upper = (((data >= 65) & (data <= 90)) | (data == 0xC0)).astype(np.int32)  # noqa: PLR2004 - A to Z, UPPER
    before = np.concatenate((np.zeros(1, dtype=np.int32), np.cumsum(is_upper, dtype=np.int32)))
    lengths = tokens.ends - tokens.starts
    uppers = before[tokens.ends] - before[tokens.starts]
    first = is_upper[tokens.starts]
    case = np.where(
        uppers == 0, 0, np.where(uppers == lengths, 2 + (lengths > 1), np.where((first == 1) & (uppers == 1), 1, 4))
    )
    length = np.minimum(lengths, _LENGTH_MAX)
    shape = np.where(tokens.kinds == LETTER, case * 16 + length, 0)
    shape = np.where(tokens.kinds == DIGIT, 80 + length, shape)
    # Marks below 0x80 by themselves (33 of them in ASCII), all others as one.
    mark = np.where(data[tokens.starts] < 0x80, data[tokens.starts].astype(np.int32), 0)  # noqa: PLR2004 - ASCII
    return np.where(tokens.kinds == MARK, 96 + mark, shape).astype(np.int32)


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
    close = tokens.starts[place[1:]] - tokens.ends[place[:-1]] <= _JOIN_BYTES_MAX
    joined, hangs = words[place], np.ones(len(place), dtype=np.bool_)
    for count in range(1, min(WORDS_MAX, len(place))):
        joined = join(joined[:-1], words[place[count:]], powers[place[count:]])
        hangs = hangs[:-1] & close[count - 1 :]
        found = np.where(hangs, lookup(joined), 0).astype(np.uint32) << np.uint32(16)
        for shift in range(count + 1):
            bits[place[shift : shift + len(found)]] |= found
    return bits
