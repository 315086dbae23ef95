"""Boosted trees made by scikit-learn, taken over as plain arrays. For a process of its own: it imports scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.trees import Trees, no_trees

BINS: Final = 32
"""Parts of a column that a split may fall between."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown."""

    rounds: int = 120
    """How many."""
    rate: float = 0.06
    """What each counts."""
    leaves: int = 6
    """Most leaves of one."""
    rows_min: int = 30
    """Fewest rows of a leaf."""
    columns_share: float = 0.3
    """Share of the columns that each split may choose from."""
    shrinkage: float = 5.0
    """L2 on the leaves."""


def boosted(rows: NDArray[Any], scores: NDArray[Any], weights: NDArray[Any], growth: Growth, *, seed: int) -> Trees:
    """Trees whose sum is the log-odds of a good answer.

    Args:
        rows: rows by columns.
        scores: 0 to 1 each; one in between counts as some of each.
        weights: of the rows.
        growth: how they are grown.
        seed: of the choice of columns.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - a second that only a refit pays

    twice, labels, counted = doubled(scores, weights)
    if len(set(labels.tolist())) == 1:
        return no_trees(log_odds(scores, weights))
    model = HistGradientBoostingClassifier(
        max_iter=growth.rounds,
        learning_rate=growth.rate,
        max_leaf_nodes=growth.leaves,
        min_samples_leaf=growth.rows_min,
        max_features=growth.columns_share,
        l2_regularization=growth.shrinkage,
        early_stopping=False,
        random_state=seed,
    )
    cuts = [_cuts(rows[:, column]) for column in range(rows.shape[1])]
    codes = np.stack([np.searchsorted(cut, rows[:, column]) for column, cut in enumerate(cuts)], axis=1)
    model.fit(codes[twice].astype(np.float64), labels, sample_weight=counted)
    return _taken(model, cuts)


def _cuts(values: NDArray[Any]) -> NDArray[np.float64]:
    """Where a column may be split: scikit-learn's own search is slow with weights, and many cuts learn noise."""
    inner = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], method="lower")
    found: NDArray[np.float64] = np.unique(inner.astype(np.float64))
    return found[found < values.max()] if len(values) else found


def doubled(
    scores: NDArray[Any], weights: NDArray[Any]
) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.float64]]:
    """Rows of right and wrong for scores in between: which row, its label, its weight."""
    right, wrong = np.flatnonzero(scores > 0), np.flatnonzero(scores < 1)
    rows = np.concatenate((right, wrong))
    labels = np.concatenate((np.ones(len(right), np.int64), np.zeros(len(wrong), np.int64)))
    counted = np.concatenate((weights[right] * scores[right], weights[wrong] * (1 - scores[wrong])))
    order = np.argsort(rows, kind="stable")
    return rows[order], labels[order], np.asarray(counted[order], np.float64)


def log_odds(scores: NDArray[Any], weights: NDArray[Any]) -> float:
    """Of the mean score, with one imagined row of a half."""
    mean = (float((scores * weights).sum()) + 0.5) / (float(weights.sum()) + 1)
    return float(np.log(mean / (1 - mean)))


def _taken(model: Any, cuts: Sequence[NDArray[np.float64]]) -> Trees:
    grown = [predictors[0].nodes for predictors in model._predictors]  # noqa: SLF001 - it has no other way to its trees
    width = max(len(nodes) for nodes in grown)
    shape = (len(grown), width)
    feature, left, right = (np.zeros(shape, np.intp) for _ in range(3))
    threshold, value = np.zeros(shape), np.zeros(shape)
    for number, nodes in enumerate(grown):
        own, start = np.arange(len(nodes)), number * width
        is_leaf = nodes["is_leaf"].astype(bool)
        feature[number, own] = np.where(is_leaf, 0, nodes["feature_idx"])
        threshold[number, own] = [
            0.0 if leaf else cuts[column][int(code)]
            for leaf, column, code in zip(is_leaf, nodes["feature_idx"], nodes["num_threshold"], strict=True)
        ]
        left[number, own] = start + np.where(is_leaf, own, nodes["left"])
        right[number, own] = start + np.where(is_leaf, own, nodes["right"])
        value[number, own] = np.where(is_leaf, nodes["value"], 0)
    depth = max(int(nodes["depth"].max()) for nodes in grown)
    return Trees(feature, threshold, left, right, value, float(np.ravel(model._baseline_prediction)[0]), depth)  # noqa: SLF001 - likewise
