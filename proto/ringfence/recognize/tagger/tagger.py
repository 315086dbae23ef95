"""The tagger as a stage of the recogniser."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ringfence.recognize.gazetteer import WORDS_MAX, load_gazetteer
from ringfence.recognize.span import Span
from ringfence.recognize.tagger.features import Lookup, features
from ringfence.recognize.tagger.network import REACH, Floats, Weights, probabilities, read_weights
from ringfence.recognize.tagger.runs import runs
from ringfence.recognize.tagger.spans import spans
from ringfence.recognize.tagger.text import Text
from ringfence.recognize.tagger.tokens import Tokens, tokenise

WEIGHTS = Path(__file__).with_name("weights.npz")
"""What ships."""


CHUNK_TOKENS = 2048
"""Tokens that are read at once: some 10 KB of text, whose arrays fit a processor's cache."""
_OVERLAP = REACH + WORDS_MAX
"""What a token's probabilities and flags depend on, on each side."""


class Tagger:
    """Reads a folded text and tells its entities. Holds nothing but weights; may be called from several threads."""

    __slots__ = ("_lookup", "_types", "_weights", "version")

    def __init__(self, weights: Weights, types: tuple[str, ...], version: str, lookup: Lookup) -> None:
        """Serve `weights`; use `load_tagger` to get one."""
        self._weights = weights
        self._types = types
        self._lookup = lookup
        self.version = version
        """Digest of the weights."""

    def __call__(self, data: bytes) -> Iterable[Span]:
        """The entities in `data`; linear in its length, never raises."""
        tokens = tokenise(data)
        if not len(tokens):
            return ()
        chances, bits = self._read(tokens)
        found = list(runs(tokens, chances, self._types))
        return spans(Text.of(data, tokens, bits), found) if found else ()

    def _read(self, tokens: Tokens) -> tuple[Floats, npt.NDArray[np.uint32]]:
        """Each token's probabilities and flags; long texts in pieces that overlap and fit the cache."""
        count = len(tokens)
        parts = []
        for start in range(0, count, CHUNK_TOKENS):
            left, right = max(0, start - _OVERLAP), min(count, start + CHUNK_TOKENS + _OVERLAP)
            given = features(tokens.part(left, right), self._lookup)
            own = slice(start - left, start - left + min(CHUNK_TOKENS, count - start))
            parts.append((probabilities(self._weights, given)[own], given.bits[own]))
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([chances for chances, _ in parts]), np.concatenate([bits for _, bits in parts])


def load_tagger(path: Path = WEIGHTS) -> Tagger:
    """The tagger with the weights at `path`.

    Raises:
        OSError, ValueError, KeyError: they are not there or none of ours.
    """
    weights, types, version = read_weights(path)
    return Tagger(weights, types, version, load_gazetteer().lookup)
