"""What learning is made from: features of a prompt, and what came of an answer to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32s = NDArray[np.float32]
Uint32s = NDArray[np.uint32]

EMBEDDED: Final = 24
"""Numbers in what a local embedding model says of a prompt: some 96 bytes, and few enough to learn from some hundred
labels."""

_HEAD: Final = struct.Struct("<4sHI")
_MAGIC: Final = b"RFF1"
_TAIL: Final = struct.Struct(f"<I{EMBEDDED}f")
_MAGIC_EMBEDDED: Final = b"RFF2"
"""The same, then a space and `EMBEDDED` numbers in it."""
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
    embedded: Float32s = field(default_factory=lambda: np.zeros(0, np.float32))
    """`EMBEDDED` numbers that a local embedding model gave (`projection.py`), or none."""
    space: int = 0
    """Which space they are in, 1 to 2**32 - 1: numbers of two spaces do not compare. 0 where there are none."""

    def __post_init__(self) -> None:
        """Refuse numbers of no space, and a space without its numbers."""
        if len(self.embedded) != (EMBEDDED if self.space else 0):
            raise ValueError(f"{len(self.embedded)} numbers in space {self.space}; give {EMBEDDED}, or none in space 0")

    @property
    def nbytes(self) -> int:
        """Bytes of memory that its numbers take."""
        return self.hand.nbytes + self.index.nbytes + self.weight.nbytes + self.embedded.nbytes

    def to_bytes(self) -> bytes:
        """The same as bytes, for a log of outcomes."""
        head = _HEAD.pack(_MAGIC_EMBEDDED if self.space else _MAGIC, len(self.hand), len(self.index))
        parts = (self.hand.astype("<f4"), self.index.astype("<u4"), self.weight.astype("<f4"))
        tail = _TAIL.pack(self.space, *self.embedded.tolist()) if self.space else b""
        return head + b"".join(part.tobytes() for part in parts) + tail

    @classmethod
    def from_bytes(cls, content: bytes) -> Features:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is something else.
        """
        if len(content) < _HEAD.size:
            raise BadState("features are cut off; leave this outcome out")
        magic, hands, grams = _HEAD.unpack_from(content)
        if magic not in {_MAGIC, _MAGIC_EMBEDDED} or hands > HAND_MAX or grams > GRAMS_MAX:
            raise BadState("features of another version; leave this outcome out")
        end = _HEAD.size + 4 * (hands + 2 * grams)
        if len(content) != end + (_TAIL.size if magic == _MAGIC_EMBEDDED else 0):
            raise BadState("features of another length than they say; leave this outcome out")
        numbers = np.frombuffer(content, "<f4", hands + 2 * grams, _HEAD.size)
        hand, weight = numbers[:hands], numbers[hands + grams :]
        space, *said = _TAIL.unpack_from(content, end) if magic == _MAGIC_EMBEDDED else (0,)
        embedded = np.array(said, np.float32)
        if (space == 0) != (not said):
            raise BadState("features with numbers of no space; leave this outcome out")
        if not (np.isfinite(hand).all() and np.isfinite(weight).all() and np.isfinite(embedded).all()):
            raise BadState("features that are no numbers; leave this outcome out")
        index = np.frombuffer(content, "<u4", grams, _HEAD.size + 4 * hands)
        return cls(hand.astype(np.float32), index.astype(np.uint32), weight.astype(np.float32), embedded, int(space))


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
    owner: bytes = b""
    """Whose request it was: a keyed pseudonym of tenant and department (`owners.capped`)."""
