"""A stream of questions, and the ladder that learns on it while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ringfenced.learn.answers import NAMES, agrees, read_answer
from ringfenced.learn.outcome import Features
from ringfenced.learn.verifier import Verifier
from ringfenced.learn.verifier_fit import refit_due, refit_rows
from ringfenced.learn.verifier_labels import AGREED, AGREED_WEIGHT
from ringfenced.learn.verifier_share import escalates
from routing_parts.data import Pair
from routing_parts.ladder_prior import QUESTION, Priors

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
DELAY = 200
"""Questions until an outcome is seen."""
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares that may go up; the ends, none and all, need no ladder."""
AGREED_LABELS_MAX = 60
"""From so many outcomes on, agreement of the few answers that still wait for theirs adds nothing."""
_AGREED_EVERY = 25
_SPREADS = (0, 10, 20, 40, 80, 160)
"""Before any label the weights are the prior's, but what its features look like here is learned from answers alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Questions in their order."""

    features: tuple[Features, ...]
    """Of question and weak answer."""
    hand: Floats
    """The hand features as rows."""
    weak: Floats
    """The weak model's outcomes."""
    strong: Floats
    """The strong model's outcomes."""
    agreed: Floats
    """1 where both answers come to the same, 0 where not, NaN where that is not known."""

    @classmethod
    def of(cls, pair: Pair, salt: bytes) -> Stream:
        """Read the answers of a file."""
        answers = pair.weak_answers or ()
        features = tuple(read_answer(one, other, salt=salt) for one, other in zip(pair.prompts, answers, strict=True))
        agreed = np.full(len(features), np.nan)
        for row, strong in enumerate(pair.strong_answers or ()):
            same = agrees(pair.prompts[row], answers[row], strong)
            agreed[row] = np.nan if same is None else float(same)
        hand = np.array([one.hand for one in features], np.float64)
        return cls(features, hand, pair.weak, pair.strong, agreed)

    def at(self, rows: np.ndarray) -> Stream:
        """Some of its rows, in that order."""
        return Stream(
            tuple(self.features[row] for row in rows),
            self.hand[rows],
            self.weak[rows],
            self.strong[rows],
            self.agreed[rows],
        )


def question_only(stream: Stream) -> Stream:
    """The same for a router that reads no answer."""
    hidden = np.array([name not in QUESTION for name in NAMES])
    hand = np.where(hidden, 0.0, stream.hand)
    none = replace(stream.features[0], index=np.zeros(0, np.uint32), weight=np.zeros(0, np.float32))
    features = tuple(replace(none, hand=row.astype(np.float32)) for row in hand)
    return replace(stream, features=features, hand=hand, agreed=np.full(len(hand), np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of the stream between two refits."""

    labels: int
    """Outcomes of the weak model that are known in it."""
    begin: int
    end: int
    recent: int
    """Where the questions before it begin that the weights were not fitted to."""
    good: Floats
    """P(good) of the weak model's answers from `recent` to `end`."""


def climbed(stream: Stream, priors: Priors, shares: Sequence[float] = SHARES) -> list[tuple[float, float]]:
    """The share that went up and the quality reached, for each target share."""
    parts = list(_parts(stream, priors.cheap))
    made = []
    for share in shares:
        up = _climb(stream, parts, priors, share)
        made.append((float(up.mean()), float(np.where(up, stream.strong, stream.weak).mean())))
    return made


def _parts(stream: Stream, prior: Verifier) -> Iterator[_Part]:
    rows = len(stream.weak)
    due = [(0, begin) for begin in _SPREADS]
    for labels in range(1, max(1, rows - DELAY)):
        if refit_due(due[-1][0], labels):
            due.append((labels, labels + DELAY))
    for (labels, begin), (_, end) in zip(due, [*due[1:], (rows, rows)], strict=True):
        verifier = _fitted(stream, prior, np.arange(labels), begin)
        recent = max(0, begin - DELAY)
        yield _Part(labels, begin, end, recent, _judged(stream, verifier, recent, end))


def _fitted(stream: Stream, prior: Verifier, rows: np.ndarray, seen: int) -> Verifier:
    return refit_rows(
        prior,
        stream.hand[rows],
        stream.weak[rows],
        np.ones(len(rows)),
        stream.hand[:seen],
        grams=[stream.features[row] for row in rows],
    )


def _judged(stream: Stream, verifier: Verifier, begin: int, end: int) -> Floats:
    return verifier.judged_features(stream.hand[begin:end], stream.features[begin:end])[0]


def _climb(stream: Stream, parts: Sequence[_Part], priors: Priors, share: float) -> np.ndarray:
    """Which questions go up."""
    up = np.zeros(len(stream.weak), np.bool_)
    for part in parts:
        known = np.flatnonzero(up[: part.labels])
        strong = refit_rows(
            priors.strong,
            stream.hand[known],
            stream.strong[known],
            np.ones(len(known)),
            stream.hand[: part.begin],
            trees=False,
        )
        better = strong.judged_rows(stream.hand[part.recent : part.end])[0]
        gain = better - part.good
        agreeing = part.labels < AGREED_LABELS_MAX and not np.isnan(stream.agreed).all()
        for row in range(part.begin, part.end):
            if agreeing and row % _AGREED_EVERY == 0 and row > part.recent:
                gain = better - _agreeing(stream, priors.cheap, part, up, row)
            at = row - part.recent
            up[row] = escalates(
                float(gain[at]), gain[max(0, at - DELAY) : at], share, asked=row, escalated=int(up[:row].sum())
            )
    return up


def _agreeing(stream: Stream, prior: Verifier, part: _Part, up: np.ndarray, row: int) -> Floats:
    """P(good) by weights that also know which escalated answers were confirmed, before their outcomes are known."""
    told = np.flatnonzero(up[:row] & ~np.isnan(stream.agreed[:row]))
    told = told[told >= part.labels]
    rows = np.r_[np.arange(part.labels), told]
    score = np.r_[stream.weak[: part.labels], np.take(AGREED, stream.agreed[told].astype(int))]
    weight = np.r_[np.ones(part.labels), np.full(len(told), AGREED_WEIGHT)]
    verifier = refit_rows(prior, stream.hand[rows], score, weight, stream.hand[:row], trees=False)
    return verifier.judged_rows(stream.hand[part.recent : part.end])[0]
