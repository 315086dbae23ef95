"""Protocols (a) and (a, unseen): two models, 1,500 labels of both, everything else is tested.

By question: the labels are drawn from all questions. Leaving subjects out: the labels are of other subjects than those
tested; each subject is tested once, and the figures are over all of them together. Both over several seeds, the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ringfenced.learn.features import Seen
from ringfenced.learn.fit import FOLDS, tried
from ringfenced.learn.fit_heads import Lessons, heads_of
from ringfenced.learn.heads import Heads
from routing_parts import metrics
from routing_parts.kinds import Pair
from routing_parts.metrics import Routed
from routing_parts.priors import Crossing, Judge, seen_of

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
LABELS = 1500
"""Questions of which both models' outcomes are known; 70 percent of the questions where there are fewer."""
SUBJECT_PARTS = 14
"""Parts into which subjects are dealt."""
CONFIGURED = np.array([0.6, 0.9])
"""What an operator would have said of a weak and a strong model without any label."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A pair with its features."""

    pair: Pair
    """The questions and labels."""
    seen: Sequence[Seen]
    """What is read of each."""
    hand: Floats
    """Hand features, a row each."""
    judge: Judge
    """The prior."""

    def rows(self, crossing: Crossing, *, with_prior: bool = True) -> Floats:
        """Features with the prior's word, by weights that have not learned from the row."""
        said = self.judge.said(self.pair.prompts, self.pair.groups, self.seen, crossing).astype(np.float64)
        return np.concatenate([self.hand, said if with_prior else np.zeros_like(said)], axis=1)


def staged(pair: Pair, judge: Judge) -> Stage:
    """Take the features of a pair."""
    seen = seen_of(pair.prompts)
    return Stage(pair, seen, np.array([each.hand for each in seen], np.float64), judge)


def by_question(stage: Stage, seeds: int) -> dict[str, Routed]:
    """Protocol (a)."""
    rows = {"ours": stage.rows("question"), "without_prior": stage.rows("question", with_prior=False)}
    figures: dict[str, list[Routed]] = {}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(stage.pair.prompts))
        count = min(LABELS, int(0.7 * len(order)))
        labelled, tested = order[:count], order[count:]
        scores = {name: scored(stage.pair, features, labelled, tested, seed) for name, features in rows.items()}
        scores["prior_alone"] = _prior_gap(rows["ours"][tested])
        _tell(figures, scores | simple(stage, tested, seed), stage.pair, tested)
    return {name: metrics.mean(routed) for name, routed in figures.items()}


def unseen(stage: Stage, seeds: int) -> dict[str, Routed] | None:
    """Protocol (a) with subjects left out; None where there are not two."""
    groups = sorted(set(stage.pair.groups))
    if len(groups) < 2:
        return None
    rows = {"ours": stage.rows("subject")}
    figures: dict[str, list[Routed]] = {}
    everything = np.arange(len(stage.pair.prompts))
    for seed in range(seeds):
        scores = {name: np.zeros(len(everything)) for name in rows}
        for labelled, tested in _parted(stage.pair.groups, groups, seed):
            for name, features in rows.items():
                scores[name][tested] = scored(stage.pair, features, labelled, tested, seed, are_subjects_apart=True)
        scores["prior_alone"] = _prior_gap(rows["ours"])
        _tell(figures, scores | simple(stage, everything, seed), stage.pair, everything)
    return {name: metrics.mean(routed) for name, routed in figures.items()}


def simple(stage: Stage, rows: np.ndarray, seed: int) -> dict[str, Floats]:
    """Scores of routers to compare with."""
    drawn = np.random.default_rng(1000 + seed).random(len(rows))
    truth = metrics.oracle(stage.pair.weak[rows], stage.pair.strong[rows])
    return {"random": drawn, "length": stage.hand[rows, 0] + 1e-9 * drawn, "oracle": truth + 1e-9 * drawn}


def scored(
    pair: Pair,
    features: Floats,
    labelled: np.ndarray,
    tested: np.ndarray,
    seed: int,
    *,
    are_subjects_apart: bool = False,
) -> Floats:
    """How much better the strong model is expected to be on `tested`, from labels on `labelled`.

    Args:
        pair: the questions.
        features: of all of them.
        labelled: rows of which both outcomes are known.
        tested: rows to score.
        seed: of folds and trees.
        are_subjects_apart: whether labels say of which subject they are, and those tested are of none of these.
    """
    twice = np.concatenate([labelled, labelled])
    scores = np.concatenate([pair.weak[labelled], pair.strong[labelled]])
    taken = np.repeat([0, 1], len(labelled))
    if not are_subjects_apart:
        return gap(learned(features[twice], taken, scores, seed), features[tested], 0)
    subjects = [pair.groups[row] for row in twice]
    return gap(learned(features[twice], taken, scores, seed, subjects), features[tested], -1)


def learned(rows: Floats, taken: np.ndarray, scores: Floats, seed: int, subjects: Sequence[str] | None = None) -> Heads:
    """Heads for the weak (0) and the strong model (1), as `fit.fit` makes them."""
    named = sorted(set(subjects)) if subjects else [""]
    lessons = Lessons(
        rows=rows,
        taken=np.asarray(taken, np.intp),
        scores=np.asarray(scores, np.float64),
        weights=np.ones(len(rows)),
        segment=np.array([named.index(name) for name in subjects] if subjects else np.zeros(len(rows)), np.intp),
        models=("weak", "strong"),
        segments=tuple(named),
        configured=CONFIGURED,
        origin=np.arange(len(rows)),
    )
    folds = np.random.default_rng(seed).permutation(np.arange(len(rows)) % FOLDS)
    trust, _, _ = tried(lessons, folds, seed=seed)
    return heads_of(lessons, trust, seed=seed)


def gap(heads: Heads, rows: Floats, segment: int) -> Floats:
    """How much better the strong model is expected to be on rows of a segment; -1 for one that is not known."""
    odds = 1 / (1 + np.exp(-heads.logits(rows, np.full(len(rows), segment, np.intp), CONFIGURED)))
    return np.asarray(odds[:, 1] - odds[:, 0], np.float64)


def _prior_gap(rows: Floats) -> Floats:
    """What the prior says without any label: the mean of its voices on the strong model less that on the weak."""
    said = rows[:, -8:]
    return np.asarray(said[:, 3:6].mean(axis=1) - said[:, 0:3].mean(axis=1), np.float64)


def _parted(groups: Sequence[str], names: Sequence[str], seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    parts = min(SUBJECT_PARTS, len(names))
    dealt = dict(zip(rng.permutation(np.array(names)).tolist(), np.arange(len(names)) % parts, strict=True))
    part = np.array([dealt[group] for group in groups])
    order = rng.permutation(len(groups))
    for number in range(parts):
        # One order for all parts, so that their labels are mostly the same: what differs is the subjects left out.
        yield order[part[order] != number][:LABELS], np.flatnonzero(part == number)


def _tell(figures: dict[str, list[Routed]], scores: dict[str, Floats], pair: Pair, rows: np.ndarray) -> None:
    weak, strong = pair.weak[rows], pair.strong[rows]
    for name, score in scores.items():
        figures.setdefault(name, []).append(metrics.by_score(score, weak, strong))
    figures.setdefault("zero_router", []).append(metrics.zero_router(float(weak.mean()), float(strong.mean())))
