"""Makes heads from lessons. For a process of its own: it imports scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.anchor import Labels, anchored
from ringfenced.learn.fit_trees import Growth, boosted, doubled, log_odds
from ringfenced.learn.heads import CLIP, Heads
from ringfenced.learn.owners import capped
from ringfenced.learn.prior import SAID, believed
from ringfenced.learn.trees import Trees, no_trees

Floats = NDArray[np.float64]

TREES_LABELS_MIN: Final = 200
"""Fewest labels from which trees are grown; before, the logistic regression stands alone."""
TREES_MODELS_MAX: Final = 64
"""Most models that have trees, those with the most labels: all together cost every decision some 30 microseconds."""
TREES: Final = Growth(rounds=60, rate=0.05, leaves=5, rows_min=25)
"""How they are grown: on 1,500 labels more rounds learn the labels' noise."""
SCALE_MIN: Final = 1e-6
"""A feature that varies less is as good as constant."""
PRIOR_SCALE: Final = 2.0
"""How much more cheaply the regression may use the prior's word than a hand feature."""
PENALTY: Final = 0.003
"""C of the regression: with 75 standardised features it learns from some hundred labels without running away."""
TRUSTS: Final = np.linspace(0, 1, 11)
"""Mixtures of anchor and free part that are tried."""
TRUST_LABELS: Final = 400.0
"""Labels at which the free part is trusted by half before anything is compared; with many, wholly."""
UNSEEN_HELD: Final = 80.0
"""The same where segments were left out: a few segments say less than as many outcomes."""
PAIR: Final = 2
"""So many models can be compared by noisy scores. Among more the highest is more often a lucky one, so the free part
is trusted less beforehand."""
TRUST_HELD: Final = 20.0
"""Log-loss, summed over outcomes, that a trust all the way from there must save: a hundred labels say little of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Outcomes as arrays; a row each."""

    rows: Floats
    """Hand features, what an embedding model said, the prior's word at the end (`projection.row_of`)."""
    taken: NDArray[np.intp]
    """The place of the model that answered."""
    scores: Floats
    """0 to 1."""
    weights: Floats
    """What each counts."""
    segment: NDArray[np.intp]
    """The place of its segment."""
    models: tuple[str, ...]
    """All that answered often enough."""
    segments: tuple[str, ...]
    """All that are kept apart."""
    configured: Floats
    """Quality of each model as configured."""
    origin: NDArray[np.intp]
    """The place of each row's outcome in what was given."""
    space: int = 0
    """Whose embeddings' numbers are among the features; 0 where none are."""
    owner: NDArray[np.intp] | None = None
    """The number of each row's owner, whose say is bounded; None where all are one's."""

    def at(self, which: NDArray[np.intp]) -> Lessons:
        """Some of the rows."""
        parts = ("rows", "taken", "scores", "weights", "segment", "origin")
        owner = None if self.owner is None else self.owner[which]
        return replace(self, **{part: getattr(self, part)[which] for part in parts}, owner=owner)

    def weighing(self, weights: Floats) -> Lessons:
        """The same with other weights, of which no owner has more than its share in a cell (`owners.capped`)."""
        if self.owner is not None:
            weights = capped(weights, self.owner, self.cells())
        return replace(self, weights=weights)

    def cells(self) -> NDArray[np.intp]:
        """The number of each row's cell: a model in a segment."""
        return self.segment * len(self.models) + self.taken


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """Part of regression and trees in each model's head."""

    seen: Floats
    """For segments that were learned from."""
    unseen: Floats
    """For others."""


def heads_of(lessons: Lessons, trust: Trust, *, seed: int) -> Heads:
    """A head for each model.

    Args:
        lessons: from which they are made.
        trust: part of regression and trees in each model's head.
        seed: of the trees.
    """
    mean, scale = lessons.rows.mean(axis=0), lessons.rows.std(axis=0)
    scale = np.where(scale > SCALE_MIN, scale, 1.0)
    count, segments = len(lessons.models), len(lessons.segments)
    linear = np.zeros((count, lessons.rows.shape[1] + 1))
    shift, slope, by_segment, labels = np.zeros(count), np.ones(count), np.zeros((count, segments)), np.zeros(count)
    trees: list[Trees] = []
    many = np.argsort(-np.bincount(lessons.taken, minlength=count), kind="stable")[:TREES_MODELS_MAX]
    for model in range(count):
        own = lessons.at(np.flatnonzero(lessons.taken == model))
        labels[model] = own.weights.sum()
        base, moved = believed(own.rows[:, -SAID:], lessons.configured[model : model + 1])
        base_row = np.full(len(own.rows), base[0, 0])
        anchor = anchored(base_row, moved[:, 0], own.segment, segments, Labels(own.scores, own.weights))
        shift[model], slope[model], by_segment[model] = anchor.shift, anchor.slope, anchor.segments
        linear[model] = _regressed(np.clip((own.rows - mean) / scale, -CLIP, CLIP), own.scores, own.weights)
        is_enough = len(own.rows) >= TREES_LABELS_MIN and model in many
        trees.append(boosted(own.rows, own.scores, own.weights, TREES, seed=seed) if is_enough else no_trees(0.0))
    return Heads(
        lessons.models, lessons.segments, mean, scale, linear, tuple(trees), labels, trust.seen, trust.unseen, shift,
        slope, by_segment, lessons.space,
    )  # fmt: skip


def _regressed(told: Floats, scores: Floats, weights: Floats) -> Floats:
    """Coefficients and constant of a logistic regression on standardised features, in which the prior's are cheap."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - half a second that only a refit pays

    twice, labels, counted = doubled(scores, weights)
    if len(set(labels.tolist())) == 1:
        return np.append(np.zeros(told.shape[1]), log_odds(scores, weights))
    cheap = np.concatenate([np.ones(told.shape[1] - SAID), np.full(SAID, PRIOR_SCALE)])
    model = LogisticRegression(C=PENALTY, max_iter=300).fit((told * cheap)[twice], labels, sample_weight=counted)
    return np.append(model.coef_[0] * cheap, model.intercept_[0])


def no_trust(models: int) -> Trust:
    """Anchors alone."""
    return Trust(np.zeros(models), np.zeros(models))


def trust_of(lessons: Lessons, anchor: Floats, free: Floats, *, is_unseen: bool = False) -> Floats:
    """How far each model's regression and trees are to be trusted beside its anchor.

    Args:
        lessons: what came.
        anchor: log-odds by anchors that did not learn from the row, rows by models.
        free: the same by regressions and trees.
        is_unseen: whether they did not learn from the row's segment either: then nothing is trusted beforehand.
    """
    labels = 0.0 if is_unseen else 1.0
    return np.array([_trust(lessons, anchor, free, model, labels) for model in range(len(lessons.models))])


def _trust(lessons: Lessons, anchor: Floats, free: Floats, model: int, counted: float) -> float:
    own = np.flatnonzero(lessons.taken == model)
    if not len(own):
        return 0.0
    scores, weights = lessons.scores[own], lessons.weights[own]
    before = (
        counted * min(1.0, PAIR / len(lessons.models)) * float(weights.sum()) / (float(weights.sum()) + TRUST_LABELS)
    )
    losses = []
    for part in TRUSTS:
        logit = anchor[own, model] + part * (free[own, model] - anchor[own, model])
        losses.append(
            float((weights * (np.logaddexp(0, logit) - scores * logit)).sum())
            + (TRUST_HELD if counted else UNSEEN_HELD) * (part - before) ** 2
        )
    return float(TRUSTS[int(np.argmin(losses))])
