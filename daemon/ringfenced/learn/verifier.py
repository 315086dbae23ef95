"""P(good | question, answer): what an answer's own features say of it, by weights that are learned from outcomes.

A verifier is a frozen value. Its linear part begins as the shipped prior and moves away from it as labels come; trees
and weights of hashed words join once there are enough labels for them (`verifier_fit.refit`). Judging is numpy alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.answers import BUCKETS, NAMES
from ringfenced.learn.outcome import BadState, Features
from ringfenced.learn.packed import Arrays, pack, unpack
from ringfenced.learn.trees import Trees

__all__ = ["Linear", "Verifier", "matrix_of"]

Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]
_CLIP: Final = 4.0
"""Standard deviations that a feature counts at most: an odd answer must not decide alone."""
_LOGIT_MAX: Final = 12.0
_VOTE_MIN: Final = 0.01
_KIND: Final = float(zlib.crc32(" ".join(NAMES).encode()))
"""Tells weights of these features from weights of others."""
_COLUMNS: Final = ("mean", "scale", "weights", "variance", "prior")


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A logistic regression on standardised features."""

    mean: Floats
    """Of each feature, where it was fitted."""
    scale: Floats
    """Its standard deviation there; 1 where it did not vary."""
    weights: Floats
    """One for each feature."""
    bias: float
    """The logit of an average answer."""
    variance: Floats
    """Of each weight: how little is known of it."""
    prior: Floats
    """The weights before any label of the site: what the trees are told that the prior says."""

    def standardised(self, hand: Floats) -> Floats:
        """Rows of hand features as multiples of their standard deviation, bounded."""
        scaled: Floats = np.clip((hand - self.mean) / self.scale, -_CLIP, _CLIP)
        return scaled

    def with_prior(self, rows: Floats) -> Floats:
        """Standardised rows and, as one more feature, the logit that the prior alone would give."""
        wide: Floats = np.c_[rows, rows @ self.prior]
        return wide


@dataclass(frozen=True, slots=True, eq=False)
class Verifier:
    """Weights that judge answers."""

    linear: Linear
    """Of the hand features."""
    hashed: Float32s
    """Of the buckets of hashed words; empty before there are enough labels."""
    trees: Trees | None
    """Of the hand features and the prior's logit, adding up to P(good); None before there are enough labels."""
    trees_share: float
    """How much of the logit is the trees'."""
    labels: int
    """How many outcomes it was fitted to, the prior's not counted."""

    def judged(self, features: Features) -> tuple[float, float]:
        """P(good) of one answer and its standard deviation.

        Args:
            features: of `answers.read_answer`, with the salt that the verifier's labels were read with.
        """
        good, unsure = self.judged_all([features])
        return float(good[0]), float(unsure[0])

    def judged_all(self, features: Sequence[Features]) -> tuple[Floats, Floats]:
        """P(good) of some answers and its standard deviations, in their order."""
        return self.judged_features(matrix_of(features), features)

    def judged_features(self, hand: Floats, features: Sequence[Features]) -> tuple[Floats, Floats]:
        """The same, where the hand features are already rows."""
        if not len(self.hashed):
            return self.judged_rows(hand)
        return self.judged_rows(hand, np.array([float(self.hashed[one.index] @ one.weight) for one in features]))

    def judged_rows(self, hand: Floats, grams: Floats | None = None) -> tuple[Floats, Floats]:
        """The same for rows of hand features and what their hashed words add to the logit."""
        rows = self.linear.standardised(hand)
        logit = rows @ self.linear.weights + self.linear.bias
        if grams is not None:
            logit = logit + grams
        if self.trees is not None:
            voted = np.clip(self.trees.walked(self.linear.with_prior(rows)), _VOTE_MIN, 1 - _VOTE_MIN)
            logit = (1 - self.trees_share) * logit + self.trees_share * np.log(voted / (1 - voted))
        good = 1 / (1 + np.exp(-np.clip(logit, -_LOGIT_MAX, _LOGIT_MAX)))
        unsure = good * (1 - good) * np.sqrt((rows**2) @ self.linear.variance + 1 / (1 + self.labels))
        return good, np.minimum(unsure, 0.5)

    def to_bytes(self) -> bytes:
        """The same as bytes, of `packed.pack`; the same verifier gives the same bytes."""
        arrays = {name: getattr(self.linear, name) for name in _COLUMNS}
        arrays["numbers"] = np.array([_KIND, self.linear.bias, self.trees_share, self.labels], np.float64)
        arrays["hashed"] = self.hashed
        if self.trees is not None:
            arrays |= self.trees.arrays("trees")
        return pack(arrays)

    @classmethod
    def from_bytes(cls, content: bytes) -> Verifier:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is something else, too large, changed, or of other features.
        """
        arrays = unpack(content)
        mean, scale, weights, variance, prior = (_column(arrays, name, len(NAMES)) for name in _COLUMNS)
        kind, bias, share, labels = (float(number) for number in _column(arrays, "numbers", 4))
        if kind != _KIND:
            raise BadState("a verifier of other features; refit it from the outcomes")
        hashed = _column(arrays, "hashed", len(arrays.get("hashed", ()))).astype(np.float32)
        in_bounds = (scale > 0).all() and (variance >= 0).all() and 0 <= share <= 1 and 0 <= labels < 1 << 53
        if len(hashed) not in {0, BUCKETS} or not in_bounds:
            raise BadState("a verifier with numbers out of bounds; refit it from the outcomes")
        trees = Trees.of_arrays(arrays, "trees", len(NAMES) + 1) if "trees.base" in arrays else None
        return cls(Linear(mean, scale, weights, bias, variance, prior), hashed, trees, share, int(labels))


def matrix_of(features: Sequence[Features]) -> Floats:
    """The hand features of some answers as rows."""
    return np.array([one.hand for one in features], np.float64).reshape(len(features), len(NAMES))


def _column(arrays: Arrays, name: str, length: int) -> Floats:
    array = arrays.get(name)
    if array is None or array.shape != (length,) or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise BadState("a verifier of another version; refit it from the outcomes")
    return array.astype(np.float64)
