"""What another policy would have been worth, from a log of this one."""

import numpy as np
import pytest

from ringfenced.learn.replay import Logged, estimate, means, robust, value


def logged(count, seed, *, wrong=0.0, explore=0.2):
    """Two models; the second is good at half of the questions, the first at 60 percent of all; the log prefers it."""
    rng = np.random.default_rng(seed)
    kind = rng.random(count) < 0.5
    truth = np.stack([np.full(count, 0.6), np.where(kind, 0.9, 0.2)], axis=1)
    chance = np.array([1 - explore / 2, explore / 2])
    taken = (rng.random(count) >= chance[0]).astype(np.intp)
    rows = np.arange(count)
    score = (rng.random(count) < truth[rows, taken]).astype(float)
    return kind, Logged(taken, score, chance[taken], np.clip(truth + wrong, 0, 1))


def policy(kind):
    return np.where(kind[:, None], [0.0, 1.0], [1.0, 0.0])


@pytest.mark.parametrize("wrong", [0.0, 0.3, -0.3])
def test_the_estimate_is_right_though_the_model_is_not(wrong):
    """Doubly robust: logged probabilities make up for a model that is off by 0.3."""
    kind, seen = logged(40_000, 1, wrong=wrong)
    found = value(policy(kind), seen)
    assert found.mean == pytest.approx(0.75, abs=4 * found.error)
    assert found.error < 0.02


def test_its_confidence_holds():
    """The lower bound lies under the truth in some 90 of 100 logs."""
    under = 0
    for seed in range(100):
        kind, seen = logged(1500, seed, wrong=0.1)
        under += value(policy(kind), seen).low <= 0.75
    assert under >= 83


def test_the_means_are_those_of_the_models():
    """Each always taken."""
    _, seen = logged(40_000, 2, wrong=0.2)
    assert means(seen) == pytest.approx([0.6, 0.55], abs=0.03)


def test_of_nothing_nothing_follows():
    """No outcome, no confidence."""
    assert estimate(np.zeros(0)).low == float("-inf")
    assert estimate(np.ones(1)).low == float("-inf")


def test_a_tiny_probability_does_not_decide_alone():
    """The weight of one outcome is bounded."""
    seen = Logged(np.array([0]), np.array([1.0]), np.array([1e-9]), np.array([[0.0, 0.0]]))
    assert robust(np.array([[1.0, 0.0]]), seen)[0] == 20.0


def test_rows_that_count_alike_give_what_rows_without_weights_do():
    """And one that counts for nothing is as good as absent."""
    shares = np.random.default_rng(4).normal(size=50)
    plain = estimate(shares)
    for weight in (np.ones(50), np.full(50, 0.2)):
        found = estimate(shares, weight)
        assert (found.mean, found.error) == pytest.approx((plain.mean, plain.error))
        assert found.rows == pytest.approx(50, abs=1)
    found = estimate(np.append(shares, 900.0), np.append(np.ones(50), 0.0))
    assert (found.mean, found.error) == pytest.approx((plain.mean, plain.error))
    assert estimate(shares, np.zeros(50)).low == float("-inf")
    assert estimate(shares, np.append(1.0, np.zeros(49))).low == float("-inf")


def test_rows_of_unequal_weight_are_as_sure_as_fewer_equal_ones():
    """A hundred of which one counts most say hardly more than that one."""
    shares = np.random.default_rng(4).normal(size=100)
    assert estimate(shares, np.append(100.0, np.full(99, 0.1))).rows == 1
    assert estimate(shares, np.append(100.0, np.full(99, 0.1))).error > 3 * estimate(shares).error
