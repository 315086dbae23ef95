"""An answer's features as they are written down, to learn from them later: nothing that question or answer says.

"RFA1" · CRC of the features' names · `Features.to_bytes`

How large a number is, which is one of the features, is coarsened: exact, it would be the number. Which of some choices
an answer takes is left out. What a site's own verifier judges by is coarsened likewise: as what it learned from.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from ringfenced.learn.answers import BUCKETS, NAMES
from ringfenced.learn.outcome import BadState, Features

__all__ = ["MAGNITUDE_STEP", "coarsened", "packed", "unpacked", "without_words"]

MAGNITUDE_STEP: Final = 0.5
"""Magnitudes, decimal logarithms, are kept as multiples of it: a number is then known to a factor of some 3."""

_MAGNITUDES: Final = np.array([name.endswith("magnitude") or "magnitude_" in name for name in NAMES])
_DIFFERENCE: Final = NAMES.index("final_over_question")
"""Of two magnitudes, and one itself where the other is 0."""
_CHOICE: Final = NAMES.index("chosen_rank")
"""Which letter of the choices the answer takes."""
_HEAD: Final = b"RFA1" + zlib.crc32(" ".join(NAMES).encode()).to_bytes(4, "big")


def coarsened(features: Features) -> Features:
    """Features of `answers.read_answer` without what would give a number or a choice of the answer away."""
    coarse = np.round(features.hand / MAGNITUDE_STEP) * MAGNITUDE_STEP
    hand = np.where(_MAGNITUDES, coarse, features.hand).astype(np.float32)
    hand[_DIFFERENCE] = coarse[_DIFFERENCE]
    hand[_CHOICE] = 0
    return Features(hand, features.index, features.weight)


def packed(features: Features) -> bytes:
    """What is kept of an answer.

    Args:
        features: of `answers.read_answer`, with the site's salt; they are coarsened here if they are not.
    """
    return _HEAD + coarsened(features).to_bytes()


def unpacked(content: bytes) -> Features:
    """Read what `packed` wrote.

    Raises:
        BadState: it is something else, or of other features than this version reads.
    """
    if content[: len(_HEAD)] != _HEAD:
        raise BadState("an answer's features of another version; leave this answer out")
    features = Features.from_bytes(content[len(_HEAD) :])
    if len(features.hand) != len(NAMES) or (len(features.index) and int(features.index.max()) >= BUCKETS):
        raise BadState("an answer's features out of bounds; leave this answer out")
    return features


def without_words(content: bytes) -> bytes:
    """The same without hashed words: counts of form alone.

    Raises:
        BadState: it is not of `packed`.
    """
    features = unpacked(content)
    return _HEAD + Features(features.hand, features.index[:0], features.weight[:0]).to_bytes()
