"""What learning is made from: features of a prompt, and what came of an answer to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32s = NDArray[np.float32]
Uint32s = NDArray[np.uint32]

_HEAD: Final = struct.Struct("<4sHI")
_MAGIC: Final = b"RFF1"
HAND_MAX: Final = 256
"""Most hand features that stored bytes may claim."""
GRAMS_MAX: Final = 1 << 16
"""Most hashed features that stored bytes may claim."""


class BadState(ValueError):
    """Stored bytes of learning that are malformed, of another version, or too large; refit from the outcomes."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What is known of a prompt, without its text: numbers, and buckets of a hash that a site's salt keys."""

    hand: Float32s
    """Counts and marks of form, in the order of `features.NAMES`; then what the shipped prior says."""
    index: Uint32s
    """Buckets of the hashed words and pairs of words."""
    weight: Float32s
    """How much each of them counts, of length 1 together."""

    def to_bytes(self) -> bytes:
        """The same as bytes, for a log of outcomes."""
        head = _HEAD.pack(_MAGIC, len(self.hand), len(self.index))
        parts = (self.hand.astype("<f4"), self.index.astype("<u4"), self.weight.astype("<f4"))
        return head + b"".join(part.tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, content: bytes) -> Features:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is something else.
        """
        if len(content) < _HEAD.size:
            raise BadState("features are cut off; leave this outcome out")
        magic, hands, grams = _HEAD.unpack_from(content)
        if magic != _MAGIC or hands > HAND_MAX or grams > GRAMS_MAX:
            raise BadState("features of another version; leave this outcome out")
        if len(content) != _HEAD.size + 4 * (hands + 2 * grams):
            raise BadState("features of another length than they say; leave this outcome out")
        numbers = np.frombuffer(content, "<f4", hands + 2 * grams, _HEAD.size)
        hand, weight = numbers[:hands], numbers[hands + grams :]
        if not (np.isfinite(hand).all() and np.isfinite(weight).all()):
            raise BadState("features that are no numbers; leave this outcome out")
        index = np.frombuffer(content, "<u4", grams, _HEAD.size + 4 * hands)
        return cls(hand.astype(np.float32), index.astype(np.uint32), weight.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of one answer of one model."""

    features: Features
    """Of the prompt."""
    segment: str
    """Which kind of request: task template and step, or a cluster; a name of the site's, never content."""
    model: str
    """Who answered."""
    score: float
    """How good the answer was, 0 to 1."""
    propensity: float
    """How probable it was that this model was taken, above 0 and at most 1, logged when it was."""
    cost_microcredits: int
    """What it cost."""
    at_unix_s: int
    """When the answer was given."""
    kind: str
    """Who says so: ``evaluator``, ``schema``, ``tool``, ``escalation`` or ``feedback``."""
