"""P(good | question, answer): what an answer's own features say of it, by weights that are learned from outcomes.

A verifier is a frozen value. Its linear part begins as the shipped prior and moves away from it as labels come; trees
and weights of hashed words join once there are enough labels for them (`verifier_fit.refit`). Judging is numpy alone.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.answers import BUCKETS, NAMES
from ringfenced.learn.values import BadState, Features

__all__ = ["Linear", "Trees", "Verifier", "matrix_of"]

Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]
BYTES_MAX: Final = 4 << 20
"""Most bytes of a stored verifier."""
NODES_MAX: Final = 1 << 16
TREES_MAX: Final = 256
DEPTH_MAX: Final = 64
_CLIP: Final = 4.0
"""Standard deviations that a feature counts at most: an odd answer must not decide alone."""
_LOGIT_MAX: Final = 12.0


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
        return np.c_[rows, rows @ self.prior]


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Some trees in one set of arrays; a leaf is its own child."""

    roots: NDArray[np.int32]
    """Where each tree begins."""
    feature: NDArray[np.int32]
    """By node: which standardised feature is asked."""
    threshold: Float32s
    """By node: at most this goes left."""
    left: NDArray[np.int32]
    """By node: the child for less."""
    right: NDArray[np.int32]
    """By node: the child for more."""
    value: Float32s
    """By node: P(good) there."""

    def voted(self, rows: Floats) -> Floats:
        """Mean P(good) of all trees for each row of standardised features."""
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        number = np.arange(len(rows))[:, None]
        for _ in range(DEPTH_MAX):
            goes_left = rows[number, self.feature[at]] <= self.threshold[at]
            following = np.where(goes_left, self.left[at], self.right[at])
            if np.array_equal(following, at):
                break
            at = following
        mean: Floats = self.value[at].mean(axis=1, dtype=np.float64)
        return mean


@dataclass(frozen=True, slots=True, eq=False)
class Verifier:
    """Weights that judge answers."""

    linear: Linear
    """Of the hand features."""
    hashed: Float32s
    """Of the buckets of hashed words; empty before there are enough labels."""
    trees: Trees | None
    """Of the hand features; None before there are enough labels."""
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
            voted = np.clip(self.trees.voted(self.linear.with_prior(rows)), 0.01, 0.99)
            logit = (1 - self.trees_share) * logit + self.trees_share * np.log(voted / (1 - voted))
        good = 1 / (1 + np.exp(-np.clip(logit, -_LOGIT_MAX, _LOGIT_MAX)))
        unsure = good * (1 - good) * np.sqrt((rows**2) @ self.linear.variance + 1 / (1 + self.labels))
        return good, np.minimum(unsure, 0.5)

    def to_bytes(self) -> bytes:
        """The same as bytes: an npz without pickles, and its digest before it."""
        arrays: dict[str, NDArray[np.generic]] = {
            "mean": self.linear.mean,
            "scale": self.linear.scale,
            "weights": self.linear.weights,
            "variance": self.linear.variance,
            "prior": self.linear.prior,
            "numbers": np.array([self.linear.bias, self.trees_share, self.labels], np.float64),
            "hashed": self.hashed,
        }
        if self.trees is not None:
            trees = self.trees
            arrays |= {name: getattr(trees, name) for name in Trees.__dataclass_fields__}
        written = io.BytesIO()
        np.savez_compressed(written, allow_pickle=False, **arrays)
        content = written.getvalue()
        return hashlib.sha256(content).digest() + content

    @classmethod
    def from_bytes(cls, content: bytes) -> Verifier:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is something else, too large, changed, or of other features.
        """
        if len(content) > BYTES_MAX or hashlib.sha256(content[32:]).digest() != content[:32]:
            raise BadState("a verifier whose digest is another's; refit it from the outcomes")
        try:
            with np.load(io.BytesIO(content[32:]), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            return _read(arrays)
        except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise BadState("a verifier of another version; refit it from the outcomes") from error


def matrix_of(features: Sequence[Features]) -> Floats:
    """The hand features of some answers as rows."""
    return np.array([one.hand for one in features], np.float64).reshape(len(features), -1)


def _read(arrays: dict[str, NDArray[np.generic]]) -> Verifier:
    mean, scale, weights, variance, prior = (
        _column(arrays[name], len(NAMES)) for name in ("mean", "scale", "weights", "variance", "prior")
    )
    bias, share, labels = (float(number) for number in _column(arrays["numbers"], 3))
    hashed = arrays["hashed"].astype(np.float32)
    if hashed.shape not in {(0,), (BUCKETS,)} or not np.isfinite(hashed).all():
        raise ValueError("hashed")
    if (scale <= 0).any() or (variance < 0).any() or not 0 <= share <= 1 or not 0 <= labels < 1 << 53:
        raise ValueError("numbers")
    trees = _trees(arrays) if "roots" in arrays else None
    return Verifier(Linear(mean, scale, weights, bias, variance, prior), hashed, trees, share, int(labels))


def _column(array: NDArray[np.generic], length: int) -> Floats:
    column = array.astype(np.float64)
    if column.shape != (length,) or not np.isfinite(column).all():
        raise ValueError("a column")
    return column


def _trees(arrays: dict[str, NDArray[np.generic]]) -> Trees:
    nodes = len(arrays["value"])
    if not 0 < nodes <= NODES_MAX or not 0 < len(arrays["roots"]) <= TREES_MAX:
        raise ValueError("trees")
    whole = {name: arrays[name].astype(np.int32) for name in ("roots", "feature", "left", "right")}
    for name, numbers in whole.items():
        bound = len(NAMES) + 1 if name == "feature" else nodes
        if numbers.ndim != 1 or (numbers < 0).any() or (numbers >= bound).any():
            raise ValueError(name)
    threshold, value = (_column(arrays[name], nodes).astype(np.float32) for name in ("threshold", "value"))
    if any(len(whole[name]) != nodes for name in ("feature", "left", "right")):
        raise ValueError("nodes")
    return Trees(whole["roots"], whole["feature"], threshold, whole["left"], whole["right"], value)
