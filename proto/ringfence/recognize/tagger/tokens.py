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
_LOWER_PLUS_ONE = np.arange(1, 257, dtype=np.uint64)
_LOWER_PLUS_ONE[65:91] += np.uint64(32)
_LOWER_PLUS_ONE[0xC0] = 0xE0 + 1
_COLUMNS = np.arange(WORD_BYTES_MAX, dtype=np.int32)
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
    ends = np.concatenate((edges[1:], np.array([len(kind)], dtype=np.int32)))
    keep = kind[edges] != BLANK
    starts = edges[keep]
    return Tokens(text, starts, ends[keep], kind[starts])


def windows(
    tokens: Tokens, width: int, *, from_end: bool = False
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """The first (or last) `width` bytes of each token in lower case, plus one; and which of them the token has.

    Both are n x `width`, at most `WORD_BYTES_MAX`; with `from_end`, column 0 is the last byte.
    """
    columns = _COLUMNS[:width]
    if from_end:
        places = (tokens.ends - 1)[:, None] - columns
        has = places >= tokens.starts[:, None]
        np.maximum(places, 0, out=places)
    else:
        places = tokens.starts[:, None] + columns
        has = places < tokens.ends[:, None]
        np.minimum(places, max(0, len(tokens.data) - 1), out=places)
    values = _LOWER_PLUS_ONE[tokens.data[places]]
    values *= has
    return values, has


def word_hashes(values: npt.NDArray[np.uint64], has: npt.NDArray[np.bool_]) -> tuple[Hashes, npt.NDArray[np.uint64]]:
    """The polynomial hash of each token's lower-case bytes, and the power of `PRIME` that appends its length.

    ``h = h * PRIME + byte + 1`` over at most `WORD_BYTES_MAX` bytes, modulo 2**64; so the hash of words joined is made
    of theirs (see `join`).

    Args:
        values: the tokens' first `WORD_BYTES_MAX` bytes, as `windows` gives them.
        has: likewise.
    """
    lengths = np.add.reduce(has, axis=1, dtype=np.int32)
    exponents = (lengths - 1)[:, None] - _COLUMNS
    np.maximum(exponents, 0, out=exponents)
    powers = _POWERS[exponents]
    powers *= values
    return np.add.reduce(powers, axis=1), _POWERS[lengths]


def join(first: Hashes, second: Hashes, power: Hashes) -> Hashes:
    """The hash of ``first second``, with one blank between; `power` belongs to `second`."""
    joined: Hashes = (first * PRIME + np.uint64(32 + 1)) * power + second
    return joined
