"""The tagger as a stage of the recogniser."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ringfence.recognize.gazetteer import load_gazetteer
from ringfence.recognize.span import Span
from ringfence.recognize.tagger.features import Lookup, features
from ringfence.recognize.tagger.network import Weights, probabilities, read_weights
from ringfence.recognize.tagger.runs import runs
from ringfence.recognize.tagger.spans import spans
from ringfence.recognize.tagger.text import Text
from ringfence.recognize.tagger.tokens import tokenise

WEIGHTS = Path(__file__).with_name("weights.npz")
"""What ships."""


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
        given = features(tokens, self._lookup)
        text = Text.of(data, tokens, given.bits)
        return spans(text, runs(tokens, probabilities(self._weights, given), self._types, cased=text.is_cased))


def load_tagger(path: Path = WEIGHTS) -> Tagger:
    """The tagger with the weights at `path`.

    Raises:
        OSError, ValueError, KeyError: they are not there or none of ours.
    """
    weights, types, version = read_weights(path)
    return Tagger(weights, types, version, load_gazetteer().lookup)
