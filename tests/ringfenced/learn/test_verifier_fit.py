"""Learning from outcomes: fast from few labels, the prior where there are none, the same for the same seed."""

import random
import subprocess
import sys

import numpy as np
import pytest

from fakes.word_problems import worked
from ringfenced.learn.answers import NAMES, read_answer
from ringfenced.learn.verifier import Linear, Verifier
from ringfenced.learn.verifier_fit import TREES_LABELS_MIN, Judged, refit, refit_due

COUNT = len(NAMES)


def _cold(weights=None):
    weights = np.zeros(COUNT) if weights is None else weights
    linear = Linear(np.zeros(COUNT), np.ones(COUNT), weights, 0.0, np.full(COUNT, 0.01), weights)
    return Verifier(linear, np.zeros(0, np.float32), None, 0.0, 0)


@pytest.fixture(scope="module")
def answers():
    """Worked answers with their worth."""
    draw = random.Random(5)
    made = [worked(draw) for _ in range(500)]
    return [Judged(read_answer(one.question, one.answer), float(one.right)) for one in made]


def _ranks(verifier, answers):
    """The probability that a right answer is put above a wrong one."""
    good, _ = verifier.judged_all([one.features for one in answers])
    right = np.array([one.score for one in answers]) > 0.5
    above = good[right][:, None] - good[~right][None]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def test_it_learns_from_few_labels(answers):
    """Sixty labels rank better than chance by far, two hundred better still; both on answers not seen."""
    few, many = refit(_cold(), answers[:60]), refit(_cold(), answers[:200])
    unseen = answers[250:]
    assert _ranks(_cold(), unseen) == pytest.approx(0.5)
    assert _ranks(few, unseen) > 0.65
    assert _ranks(many, unseen) > max(0.8, _ranks(few, unseen))


def test_without_labels_it_is_the_prior(answers):
    """Only mean and deviation are taken from answers without labels."""
    weights = np.linspace(-0.1, 0.1, COUNT)
    cold = _cold(weights)
    told = refit(cold, [], [one.features for one in answers[:100]])
    assert np.array_equal(told.linear.weights, weights)
    assert told.labels == 0
    assert not np.array_equal(told.linear.mean, cold.linear.mean)


def test_a_firm_prior_gives_way_only_to_labels(answers):
    """With few labels the weights stay near the prior's, with many they leave it."""
    weights = np.zeros(COUNT)
    weights[NAMES.index("any_wrong")] = 0.5
    place = NAMES.index("any_wrong")
    few, many = refit(_cold(weights), answers[:20]), refit(_cold(weights), answers)
    assert few.linear.weights[place] > many.linear.weights[place]


def test_trees_wait_for_labels(answers):
    """Below their minimum there are none, and one kind of label grows none."""
    assert refit(_cold(), answers[: TREES_LABELS_MIN - 1]).trees is None
    assert refit(_cold(), answers[:TREES_LABELS_MIN]).trees is not None
    alike = [Judged(one.features, 1.0) for one in answers[:TREES_LABELS_MIN]]
    assert refit(_cold(), alike).trees is None


def test_the_same_seed_gives_the_same_bytes(answers):
    """A refit is reproducible."""
    assert refit(_cold(), answers[:90], seed=3).to_bytes() == refit(_cold(), answers[:90], seed=3).to_bytes()


def test_a_label_that_is_trusted_less_moves_less(answers):
    """Agreement counts for less than an outcome."""
    whole = refit(_cold(), answers[:40])
    half = refit(_cold(), [Judged(one.features, one.score, 0.3) for one in answers[:40]])
    assert np.abs(half.linear.weights).sum() < np.abs(whole.linear.weights).sum()


def test_refits_are_due_on_a_geometric_schedule():
    """First after some labels, then each time there are a quarter more."""
    assert not refit_due(0, 5)
    assert refit_due(0, 20)
    assert not refit_due(100, 120)
    assert refit_due(100, 125)


def test_judging_does_not_import_scikit_learn():
    """Only a refit with trees does; a daemon that serves never loads it."""
    code = (
        "import sys; import ringfenced.learn.verifier, ringfenced.learn.verifier_fit; print('sklearn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.strip() == "False"
