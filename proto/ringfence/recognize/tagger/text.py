"""A text's tokens as plain lists: what reads a few of them one by one is faster without arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ringfence.recognize.tagger.runs import is_cased, whole_words
from ringfence.recognize.tagger.tokens import Tokens


class Text(NamedTuple):
    """Tokens, their words and their flags; lists of the same length n."""

    raw: bytes
    """The folded text."""
    starts: list[int]
    """First byte of each token."""
    ends: list[int]
    """One past the last byte of each."""
    kinds: list[int]
    """LETTER, DIGIT or MARK."""
    word_firsts: list[int]
    """The first token of each token's word (see `whole_words`)."""
    word_lasts: list[int]
    """The last one."""
    bits: list[int]
    """The gazetteer's flags (see `features.Features`)."""
    is_cased: bool
    """Whether the text uses capitals."""

    @classmethod
    def of(cls, raw: bytes, tokens: Tokens, bits: npt.NDArray[np.uint32]) -> Text:
        """From arrays."""
        firsts, lasts = whole_words(tokens)
        starts, ends, kinds = tokens.starts.tolist(), tokens.ends.tolist(), tokens.kinds.tolist()
        return cls(raw, starts, ends, kinds, firsts, lasts, bits.tolist(), is_cased(tokens))

    def token(self, index: int) -> bytes:
        """A token as it is written."""
        return self.raw[self.starts[index] : self.ends[index]]
