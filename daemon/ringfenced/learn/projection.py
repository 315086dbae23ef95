"""What a local embedding model says of a prompt, as few numbers that are no embedding of any model.

An embedding is multiplied by a matrix of signs that a node's salt keys: a random projection keeps distances well enough
to learn from (Achlioptas, Database-friendly random projections, Journal of Computer and System Sciences 66, 2003), and
whoever has stored numbers and not the salt can compare them with no embedding of a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.outcome import EMBEDDED, Features, Float32s
from ringfenced.learn.prior import SAID

DIMENSIONS_MAX: Final = 1 << 15
"""Longest embedding; the longest of models that we know have 8,192 numbers."""


def space_of(model: str, dimensions: int, salt: bytes) -> int:
    """Which space a model's numbers are in at this site: a keyed hash, never 0.

    Args:
        model: the embedding model's name.
        dimensions: numbers in its embedding.
        salt: the secret bytes that key the site's hashing.
    """
    named = hashlib.blake2b(f"{dimensions}/{model}".encode(), digest_size=4, key=salt, person=b"rf space")
    return int.from_bytes(named.digest(), "little") or 1


def signs_of(space: int, dimensions: int, salt: bytes) -> Float32s:
    """The matrix of a space: `dimensions` by `EMBEDDED`, each entry 1 or -1.

    The signs are SHAKE-256's, so that they are the same with every version of numpy.

    Args:
        space: what `space_of` gave.
        dimensions: numbers in the embedding, 1 to `DIMENSIONS_MAX`.
        salt: as above.

    Raises:
        ValueError: `dimensions` is out of range.
    """
    if not 1 <= dimensions <= DIMENSIONS_MAX:
        raise ValueError(f"an embedding of {dimensions} numbers; take a model that gives 1 to {DIMENSIONS_MAX}")
    stream = hashlib.shake_256(b"ringfence projection" + salt + space.to_bytes(4, "little"))
    bits = np.unpackbits(np.frombuffer(stream.digest(dimensions * EMBEDDED // 8), np.uint8))
    return (bits.astype(np.float32) * 2 - 1).reshape(dimensions, EMBEDDED)


def projected(features: Features, embedding: Sequence[float], space: int, signs: Float32s) -> Features:
    """The features with an embedding's numbers added; over all matrices each has a mean square of 1.

    Args:
        features: of the same prompt.
        embedding: what the model gave; its length is divided out.
        space: where it belongs.
        signs: that space's matrix.

    Raises:
        ValueError: the embedding is of another length than the matrix, is nothing but zeros, or holds what is no
            number.
    """
    vector = np.asarray(embedding, np.float64)
    length = float(np.linalg.norm(vector))
    if vector.shape != signs.shape[:1] or not 0 < length < np.inf:
        raise ValueError("an embedding of another length than before, or of no numbers; check the embedding model")
    numbers = (vector / length @ signs).astype(np.float32)
    return Features(features.hand, features.index, features.weight, numbers, space)


def row_of(features: Features, space: int) -> NDArray[Any]:
    """A prompt's columns for heads: hand features, the numbers of an embedding, and the prior's word last.

    Args:
        features: of the prompt.
        space: that the heads are made for; 0 for heads without such numbers. Numbers of another space count as absent:
            zeros, and a mark of 0 before them where it is 1 otherwise.
    """
    if not space:
        return features.hand
    said = np.zeros(1 + EMBEDDED, np.float32)
    if features.space == space:
        said[0], said[1:] = 1, features.embedded
    form, prior = features.hand[:-SAID], features.hand[-SAID:]
    return np.concatenate((form, said, prior))
