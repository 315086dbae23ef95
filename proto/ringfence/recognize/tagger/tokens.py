"""Words of a folded text, as arrays: no loop of Python over them.

A token is a run of letters, a run of digits, or one other character that is no blank. Two blank lines are a stronger
boundary than one blank: what stands before a token is kept as its gap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ringfence.recognize.gazetteer import MULTIPLIER, WORD_BYTES_MAX

LETTER, DIGIT, MARK, BLANK = 1, 2, 3, 0
"""Kinds of tokens; blanks are none."""

PRIME = np.uint64(MULTIPLIER)
"""Multiplier of the polynomial hash, that of the gazetteer's keys."""

Ints = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

_KIND = np.full(256, MARK, dtype=np.uint8)
_KIND[[*range(65, 91), *range(97, 123), 0xC0, 0xE0]] = LETTER
_KIND[48:58] = DIGIT
_KIND[[9, 10, 11, 12, 13, 32]] = BLANK
_LOWER = np.arange(256, dtype=np.uint8)
_LOWER[65:91] += 32
_LOWER[0xC0] = 0xE0
_POWERS = np.ones(WORD_BYTES_MAX + 2, dtype=np.uint64)
_POWERS[1:] = np.cumprod(np.full(WORD_BYTES_MAX + 1, PRIME, dtype=np.uint64))


class Tokens(NamedTuple):
    """The tokens of one text; arrays of the same length n."""

    data: Bytes
    """The folded text."""
    starts: Ints
    """First byte of each."""
    ends: Ints
    """One past the last byte of each."""
    kinds: Bytes
    """LETTER, DIGIT or MARK."""

    def __len__(self) -> int:
        return len(self.starts)

    def part(self, first: int, last: int) -> Tokens:
        """The tokens from `first` to before `last`, over their own stretch of the text alone."""
        base, end = self.starts[first], self.ends[last - 1]
        return Tokens(
            self.data[base:end], self.starts[first:last] - base, self.ends[first:last] - base, self.kinds[first:last]
        )


def tokenise(data: bytes) -> Tokens:
    """The tokens of `data`, in order; linear, never raises."""
    text = np.frombuffer(data, dtype=np.uint8)
    kind = _KIND[text]
    if not len(text):
        none = np.zeros(0, dtype=np.int32)
        return Tokens(text, none, none, kind)
    begins = np.empty(len(kind), dtype=np.bool_)
    begins[0] = True
    np.not_equal(kind[1:], kind[:-1], out=begins[1:])
    begins |= kind == MARK
    edges = np.flatnonzero(begins).astype(np.int32)
    ends = np.append(edges[1:], np.int32(len(kind)))
    keep = kind[edges] != BLANK
    starts = edges[keep]
    return Tokens(text, starts, ends[keep], kind[starts])


def windows(
    tokens: Tokens, width: int, *, from_end: bool = False
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """The first (or last) `width` bytes of each token in lower case, plus one; and which of them the token has.

    Both are n x `width`; with `from_end`, column 0 is the last byte.
    """
    column = np.arange(width, dtype=np.int32)
    if from_end:
        places = tokens.ends[:, None] - 1 - column
        has = places >= tokens.starts[:, None]
    else:
        places = tokens.starts[:, None] + column
        has = places < tokens.ends[:, None]
    np.clip(places, 0, max(0, len(tokens.data) - 1), out=places)
    values = _LOWER[tokens.data[places]].astype(np.uint64) + np.uint64(1)
    values *= has
    return values, has


def word_hashes(tokens: Tokens) -> tuple[Hashes, npt.NDArray[np.uint64]]:
    """The polynomial hash of each token's lower-case bytes, and the power of `PRIME` that appends its length.

    ``h = h * PRIME + byte + 1`` over at most `WORD_BYTES_MAX` bytes, modulo 2**64; so the hash of words joined is made
    of theirs (see `join`).
    """
    values, has = windows(tokens, WORD_BYTES_MAX)
    lengths = has.sum(axis=1, dtype=np.int32)
    exponents = np.maximum(lengths[:, None] - 1 - np.arange(WORD_BYTES_MAX, dtype=np.int32), 0)
    return (values * _POWERS[exponents]).sum(axis=1, dtype=np.uint64), _POWERS[lengths]


def join(first: Hashes, second: Hashes, power: Hashes) -> Hashes:
    """The hash of ``first second``, with one blank between; `power` belongs to `second`."""
    joined: Hashes = (first * PRIME + np.uint64(32 + 1)) * power + second
    return joined
