"""The best is taken, sometimes another, and the log says how probable it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn import choose

WORTHS = st.lists(st.floats(-2, 2), min_size=1, max_size=8).map(np.array)


@given(WORTHS, st.floats(0, 1), st.floats(0, 1, exclude_max=True))
def test_the_logged_probability_is_the_policys(worths, explore, draw):
    """Whatever was drawn, replay reads the probability that it had."""
    choice = choose.chosen(worths, explore=explore, draw=draw)
    shares = choose.policy(worths, explore)
    assert shares.sum() == pytest.approx(1)
    if explore > 0:
        assert choice.propensity == pytest.approx(shares[choice.place])
    assert choice == choose.chosen(worths, explore=explore, draw=draw)


def test_over_many_draws_each_comes_as_often_as_logged():
    """The draw is used evenly."""
    worths = np.array([0.1, 0.9, 0.3])
    draws = (np.arange(30_000) + 0.5) / 30_000
    taken = [choose.chosen(worths, explore=0.3, draw=draw).place for draw in draws]
    assert np.bincount(taken) / 30_000 == pytest.approx(choose.policy(worths, 0.3), abs=1e-3)


def test_without_a_draw_the_best_is_taken():
    """A deterministic node explores nothing."""
    assert choose.chosen(np.array([0.2, 0.7]), explore=1.0, draw=None) == choose.Choice(1, 1.0, explored=False)


def test_a_price_turns_the_choice():
    """Quality first, until the cost is worth more."""
    quality, cost = np.array([0.6, 0.9]), np.array([1.0, 10.0])
    assert np.argmax(choose.worth(quality, cost, 0.01)) == 1
    assert np.argmax(choose.worth(quality, cost, 0.05)) == 0


@given(
    st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 1)), min_size=1, max_size=8),
    st.floats(0, 12),
)
def test_no_mix_is_dearer_than_its_budget_or_worse_than_what_it_replaces(models, budget):
    """The zero-router keeps to the budget, and no single model within it is better."""
    cost, quality = np.array(models).T
    shares = choose.mix(cost, quality, budget)
    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).sum() <= 2
    assert shares @ cost <= max(budget, cost.min()) + 1e-9
    for single in np.flatnonzero(cost <= budget):
        assert shares @ quality >= quality[single] - 1e-9
