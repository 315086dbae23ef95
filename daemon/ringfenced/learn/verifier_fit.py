"""Refits a verifier from outcomes: few labels move the prior's weights a little, many replace them.

The linear part is the mode of a posterior: a normal prior around the shipped weights, as firm as `FIRM` labels, and the
outcomes' likelihood; found by Newton's method (iteratively reweighted least squares, Bishop 2006, 4.3.3 and 4.5) in
numpy. From `TREES_LABELS_MIN` labels on, extremely randomised trees (Geurts, Ernst, Wehenkel 2006) join; scikit-learn
grows them and is imported only then, in the process that refits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.answers import BUCKETS
from ringfenced.learn.outcome import Features
from ringfenced.learn.trees import DEPTH_MAX, Trees
from ringfenced.learn.verifier import Floats, Linear, Verifier, matrix_of

__all__ = ["Judged", "refit", "refit_due"]

FIRM = 100.0
"""Precision of the prior around each standardised weight: a standard deviation of 0.1 (chosen on RouterArena, MBPP)."""
FIRM_BIAS = 2.0
"""Precision of the prior around the bias: how often a model is right differs from site to site."""
SEEN_BEFORE = 20.0
"""As many answers as the prior's mean and deviation of each feature count for."""
HASHED_LABELS_MIN = 150
TREES_LABELS_MIN = 60
TREES_HALF = 60.0
"""Labels at which the trees have half of their final share."""
TREES_SHARE = 0.6
TREES = 120
_STEPS = 25
_GROWTH = 1.25
"""A refit is due when the labels have grown by this factor: the cost of all refits stays linear in the labels."""
_LABELS_FIRST = 20


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """An answer whose worth is known."""

    features: Features
    """Of `answers.read_answer`."""
    score: float
    """How good it was, 0 to 1."""
    weight: float = 1.0
    """How far the label is to be trusted: 1 for an outcome, less for agreement with another model's answer."""
    request: int = 0
    """Tells its request from others: answers to one are held out together (`verifier_guard`)."""
    owner: bytes = b""
    """Whose request it was, a keyed pseudonym: nobody's labels alone decide (`verifier_guard.choose`)."""


def refit_due(labels_fitted: int, labels: int) -> bool:
    """Whether so many labels are worth a refit, given how many the last one had: a geometric schedule."""
    return labels >= max(_LABELS_FIRST, labels_fitted * _GROWTH)


def refit(prior: Verifier, outcomes: Sequence[Judged], seen: Sequence[Features] = (), *, seed: int = 0) -> Verifier:
    """A verifier that has learned from outcomes.

    Args:
        prior: the shipped one; not one that was refitted, or its labels would count twice.
        outcomes: answers and their worth, in any order.
        seen: other answers of the same site, without labels: they tell how features are spread there.
        seed: of the trees.

    Returns:
        The same bytes for the same arguments, on one version of numpy and scikit-learn.
    """
    spread = matrix_of([*(one.features for one in outcomes), *seen])
    grams = [one.features for one in outcomes]
    return refit_rows(
        prior,
        matrix_of(grams),
        np.array([one.score for one in outcomes], np.float64),
        np.array([one.weight for one in outcomes], np.float64),
        spread,
        grams=grams,
        seed=seed,
    )


def refit_rows(
    prior: Verifier,
    hand: Floats,
    score: Floats,
    weight: Floats,
    spread: Floats,
    *,
    grams: Sequence[Features] = (),
    trees: bool = True,
    seed: int = 0,
) -> Verifier:
    """`refit` on rows of hand features; `grams` are the same answers, for their words; without trees if asked."""
    base = _respread(prior.linear, spread)
    if not len(hand):
        return replace(prior, linear=base)
    rows = base.standardised(hand)
    linear = _posterior(base, rows, score, weight)
    hashed = np.zeros(0, np.float32)
    if len(grams) >= HASHED_LABELS_MIN:
        hashed = _hashed(rows @ linear.weights + linear.bias, grams, score, weight)
    grown = _grown(base.with_prior(rows), score, weight, seed) if trees and len(hand) >= TREES_LABELS_MIN else None
    share = TREES_SHARE * len(hand) / (len(hand) + TREES_HALF) if grown is not None else 0.0
    return Verifier(linear, hashed, grown, share, len(hand))


def _respread(linear: Linear, spread: Floats) -> Linear:
    """The same weights with mean and deviation of what this site's answers look like."""
    if not len(spread):
        return linear
    trust = len(spread) / (len(spread) + SEEN_BEFORE)
    mean = trust * spread.mean(axis=0) + (1 - trust) * linear.mean
    second = trust * (spread**2).mean(axis=0) + (1 - trust) * (linear.scale**2 + linear.mean**2)
    scale = np.sqrt(np.maximum(second - mean**2, 0))
    return replace(linear, mean=mean, scale=np.where(scale > 1e-6, scale, 1.0))  # noqa: PLR2004  a constant


def _posterior(prior: Linear, rows: Floats, score: Floats, weight: Floats) -> Linear:
    """The mode of the posterior, and the diagonal of its covariance (Laplace's approximation)."""
    wide = np.c_[rows, np.ones(len(rows))]
    firm = np.full(wide.shape[1], FIRM)
    firm[-1] = FIRM_BIAS
    centre = np.r_[prior.weights, prior.bias]
    at = centre.copy()
    curvature = np.diag(firm)
    for _ in range(_STEPS):
        good = 1 / (1 + np.exp(-np.clip(wide @ at, -30, 30)))
        slope = wide.T @ (weight * (good - score)) + firm * (at - centre)
        curvature = (wide.T * (weight * good * (1 - good))) @ wide + np.diag(firm)
        step = np.linalg.solve(curvature, slope)
        at = at - step
        if np.abs(step).max() < 1e-6:  # noqa: PLR2004
            break
    variance = np.diag(np.linalg.inv(curvature))
    return replace(prior, weights=at[:-1], bias=float(at[-1]), variance=variance[:-1])


def _hashed(offset: Floats, grams: Sequence[Features], score: Floats, weight: Floats) -> NDArray[np.float32]:
    """Weights of hashed words beside what the hand features say: a ridge in its dual form, one solve of n x n."""
    wide = np.zeros((len(grams), BUCKETS), np.float32)
    for place, one in enumerate(grams):
        wide[place, one.index] = one.weight
    good = 1 / (1 + np.exp(-np.clip(offset, -30, 30)))
    curve = np.maximum(weight * good * (1 - good), 1e-3)
    kernel = (wide @ wide.T).astype(np.float64)
    dual = np.linalg.solve(kernel + np.diag(1 / curve), weight * (score - good) / curve)
    weights: NDArray[np.float32] = (wide.T @ dual).astype(np.float32)
    return weights


def _grown(rows: Floats, score: Floats, weight: Floats, seed: int) -> Trees | None:
    """Trees on the standardised features; None where all labels are alike."""
    from sklearn.ensemble import ExtraTreesRegressor  # noqa: PLC0415  only where a refit runs

    if score.min() == score.max():
        return None
    leaf = max(3, len(rows) // 150)
    grow: Any = ExtraTreesRegressor  # it has no types
    forest = grow(TREES, min_samples_leaf=leaf, max_features=0.3, max_depth=DEPTH_MAX, random_state=seed, n_jobs=1)
    forest.fit(rows.astype(np.float32), score, sample_weight=weight)
    return _exported(forest.estimators_, max(one.get_depth() for one in forest.estimators_))


def _exported(grown: Sequence[Any], depth: int) -> Trees:
    """Trees as arrays; each leaf holds its part of the mean."""
    width = max(one.tree_.node_count for one in grown)
    shape = (len(grown), width)
    feature, left, right = (np.zeros(shape, np.intp) for _ in range(3))
    threshold, value = np.zeros(shape), np.zeros(shape)
    for number, one in enumerate(grown):
        tree = one.tree_
        own, start = np.arange(tree.node_count), number * width
        leaf = tree.children_left < 0
        feature[number, own] = np.where(leaf, 0, tree.feature)
        threshold[number, own] = tree.threshold
        left[number, own] = start + np.where(leaf, own, tree.children_left)
        right[number, own] = start + np.where(leaf, own, tree.children_right)
        value[number, own] = np.where(leaf, tree.value[:, 0, 0] / len(grown), 0.0)
    return Trees(feature, threshold, left, right, value, 0.0, depth)
