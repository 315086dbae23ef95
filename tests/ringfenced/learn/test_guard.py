"""Learned scores are believed only where replay shows that they beat the best fixed mix."""

import numpy as np
import pytest

from ringfenced.learn.guard import GUARD_NONE, UNSEEN, Guard, costs_of, gained, guarded
from ringfenced.learn.outcome import BadState
from ringfenced.learn.replay import Logged

FIELDS = ("taken", "score", "propensity", "modelled")
COST = np.array([1.0, 10.0])


def log(count, seed, *, signal):
    """The cheap model is good at half of the questions; the scores know at which, or say anything."""
    rng = np.random.default_rng(seed)
    kind = rng.random(count) < 0.5
    truth = np.stack([np.where(kind, 0.95, 0.15), np.full(count, 0.9)], axis=1)
    noise = np.clip(rng.normal(0.55, 0.25, (count, 2)), 0.02, 0.98)
    taken = (rng.random(count) < 0.5).astype(np.intp)
    score = (rng.random(count) < truth[np.arange(count), taken]).astype(float)
    return Logged(taken, score, np.full(count, 0.5), truth if signal else noise)


def judged(*parts):
    """A guard over segments named 0, 1, ..."""
    logs = list(parts)
    whole = Logged(*(np.concatenate([getattr(part, name) for part in logs]) for name in FIELDS))
    names = np.concatenate([np.full(len(part.taken), str(number)) for number, part in enumerate(logs)])
    return guarded(whole, whole, names, ("cheap", "dear"), COST, configured=np.array([0.5, 0.9]))


def test_scores_that_know_something_are_believed():
    """They beat the mix of equal cost by far."""
    assert gained(log(800, 1, signal=True), COST).low > 0.02
    assert judged(log(800, 1, signal=True)).is_trusted("0")


def test_scores_that_know_nothing_are_not():
    """In a hundred segments of noise few are believed by luck."""
    trusted = sum(judged(log(300, seed, signal=False)).is_trusted("0") for seed in range(100))
    assert trusted <= 15


def test_few_outcomes_prove_nothing():
    """Even of good scores."""
    assert not judged(log(40, 1, signal=True)).is_trusted("0")


def test_each_segment_is_judged_alone():
    """A segment of noise does not hide behind one of signal."""
    guard = judged(log(600, 1, signal=True), log(600, 2, signal=False))
    assert guard.is_trusted("0")
    assert not guard.is_trusted("1")


def test_a_segment_not_seen_needs_five_that_were():
    """From two segments nothing follows for a third; from six good ones it does."""
    assert not judged(log(300, 1, signal=True), log(300, 2, signal=True)).is_trusted("new")
    assert judged(*(log(300, seed, signal=True) for seed in range(6))).is_trusted("new")


def test_means_are_the_models_own():
    """Of a segment, and of all for one that is not known."""
    guard = judged(log(4000, 1, signal=True))
    for segment in ("0", "new"):
        assert guard.means(segment) == {"cheap": pytest.approx(0.55, abs=0.03), "dear": pytest.approx(0.9, abs=0.03)}


def test_arrays_come_back_and_broken_ones_are_refused():
    """Names and numbers are the same; unequal arrays raise the typed error."""
    guard = judged(log(200, 1, signal=True))
    again = Guard.of_arrays(guard.arrays())
    assert again.segments == ("0", UNSEEN)
    assert again.means("0") == guard.means("0")
    assert Guard.of_arrays(GUARD_NONE.arrays()).segments == ()
    assert GUARD_NONE.means("x") == {}
    for broken in ({}, guard.arrays() | {"guard.gain": np.zeros(9)}):
        with pytest.raises(BadState):
            Guard.of_arrays(broken)


def test_costs_are_as_given_else_as_paid():
    """A model without either costs what the others do."""
    paid = costs_of(("a", "b", "c"), {"a": 7.0}, np.array([1, 1]), np.array([2.0, 4.0]))
    assert paid.tolist() == [7.0, 3.0, 3.0]


def test_one_answer_decides_nothing():
    """A segment's mean begins at what the model is worth over all, and that at what is configured."""
    whole = log(400, 3, signal=True)
    one = Logged(np.array([1]), np.array([0.0]), np.array([0.5]), np.array([[0.5, 0.9]]))
    table = judged(whole, one)
    means, overall = table.means("1"), table.means(UNSEEN)
    assert overall["dear"] - 0.15 < means["dear"] < overall["dear"]
    assert means["cheap"] == pytest.approx(overall["cheap"], abs=0.05)
