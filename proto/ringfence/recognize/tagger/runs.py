"""From probabilities to runs: which tokens that stand together are one entity. Array operations alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ringfence.recognize.fold import UPPER
from ringfence.recognize.tagger.network import Floats
from ringfence.recognize.tagger.tokens import LETTER, MARK, Tokens

Flags = npt.NDArray[np.bool_]

THRESHOLDS: Mapping[str, float] = MappingProxyType(
    {
        "PERSON": 0.15,
        "PLACE": 0.15,
        "ADDRESS": 0.15,
        "ORGANISATION": 0.4,
        "DATE": 0.4,
        "AGE": 0.3,
        "SEX": 0.3,
        "KINSHIP": 0.3,
        "PROFESSION": 0.3,
        "NATIONALITY": 0.3,
        "COUNTRY": 0.3,
        "ID": 0.4,
        "CONTACT": 0.5,
        "TITLE": 0.3,
    }
)
"""From which probability on a token belongs to an entity: low, because a name that leaves cannot be called back, and a
word too many only becomes a surrogate (chosen on texts that the network did not learn from; see models/tagger)."""

_DOUBT = 0.3
"""Share of its type's threshold that a token beside a sure one needs."""
_CAPITALS_SHARE_MAX = 0.8
"""Where more words begin with a capital, capitals say nothing."""
_OF_SEVERAL_WORDS = frozenset({"PLACE", "ORGANISATION", "ADDRESS"})
"""Their names have words in lower case: of, and, de, the."""
_OF_SEVERAL_LINES = frozenset({"ADDRESS"})
_GAP_MAX = 4
"""Bytes between two tokens of one entity."""


class Run(NamedTuple):
    """Tokens that are likely one entity."""

    name: str
    """Its type, as the network calls it."""
    first: int
    """Its first token."""
    last: int
    """Its last one."""
    score: float
    """The probability of its surest token."""


def runs(tokens: Tokens, chances: Floats, types: tuple[str, ...]) -> Iterator[Run]:
    """The runs of each type, by type and place; those of different types may overlap.

    Args:
        tokens: of the folded text.
        chances: n x types, as `network.probabilities` gives them.
        types: names of the columns.
    """
    limits = _limits(types)
    sure = (chances >= limits).any(axis=0)
    if not sure.any():
        return
    cased = is_cased(tokens)
    near, same_line = _near(tokens)
    # A word in lower case takes no part by doubt alone: what stands between two names is mostly no name.
    strict = cased & (tokens.kinds == LETTER) & (tokens.data[tokens.starts] >= ord("a"))
    for column in np.flatnonzero(sure).tolist():
        name, limit, values = types[column], limits[column], chances[:, column]
        joins = near if name in _OF_SEVERAL_LINES else same_line
        # Hysteresis (Canny 1986): an entity begins where the network is sure, and reaches as far as it doubts.
        doubtful = strict & (name not in _OF_SEVERAL_WORDS)
        inside = values >= np.where(doubtful, limit, limit * _DOUBT)
        follows = np.zeros(len(inside) + 1, dtype=np.bool_)
        follows[1:-1] = inside[:-1] & inside[1:] & joins[1:]
        firsts = np.flatnonzero(inside & ~follows[:-1])
        lasts = np.flatnonzero(inside & ~follows[1:])
        # The highest of each run: up to its end, then what lies between it and the next, which is left out.
        edges = np.column_stack((firsts, lasts + 1)).ravel()
        scores = np.maximum.reduceat(np.append(values, np.float32(0)), edges)[::2]
        keep = scores >= limit
        for first, last, score in zip(firsts[keep].tolist(), lasts[keep].tolist(), scores[keep].tolist(), strict=True):
            yield Run(name, first, last, score)


@cache
def _limits(types: tuple[str, ...]) -> Floats:
    return np.array([THRESHOLDS[name] for name in types], dtype=np.float32)


def is_cased(tokens: Tokens) -> bool:
    """Whether the text uses capitals as books do; in a chat without any, a name has none either."""
    letters = tokens.data[tokens.starts[tokens.kinds == LETTER]]
    uppers = int(((letters < ord("a")) | (letters == ord(UPPER))).sum())
    return 0 < uppers < len(letters) * _CAPITALS_SHARE_MAX


def whole_words(tokens: Tokens) -> tuple[list[int], list[int]]:
    """For each token the first and the last one of its word: letters and digits that hang together are one.

    Worked out once for the whole text: a word may be as long as it, with a finding in every token.
    """
    count = len(tokens)
    begins = np.ones(count, dtype=np.bool_)
    marks = tokens.kinds == MARK
    begins[1:] = (tokens.starts[1:] != tokens.ends[:-1]) | marks[1:] | marks[:-1]
    edges = np.flatnonzero(begins)
    lengths = np.diff(np.append(edges, count))
    return np.repeat(edges, lengths).tolist(), np.repeat(edges + lengths - 1, lengths).tolist()


def _near(tokens: Tokens) -> tuple[Flags, Flags]:
    """Whether each token stands near the one before it, with at most one line's end between; and with none."""
    near = np.zeros(len(tokens), dtype=np.bool_)
    same_line = near.copy()
    lines = np.cumsum(tokens.data == ord("\n"), dtype=np.int32)
    breaks = lines[tokens.starts[1:]] - lines[tokens.starts[:-1]]
    close = tokens.starts[1:] - tokens.ends[:-1] <= _GAP_MAX
    near[1:] = close & (breaks <= 1)
    same_line[1:] = close & (breaks == 0)
    return near, same_line
