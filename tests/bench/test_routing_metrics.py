"""RouteLLM's definitions, on cases that can be reckoned by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing_parts import metrics

WEAK = np.array([1.0, 0.0] * 500)
STRONG = np.ones(1000)


def test_a_blind_router_recovers_half():
    """And needs half of the calls for half of the gap."""
    routed = metrics.by_score(np.random.default_rng(0).random(100_000), np.tile(WEAK, 100), np.tile(STRONG, 100))
    assert routed.apgr == pytest.approx(0.5, abs=0.01)
    assert routed.cpt50 == pytest.approx(50, abs=1)
    assert routed.cpt80 == pytest.approx(80, abs=1)
    assert metrics.zero_router(0.5, 1.0) == metrics.Routed(pytest.approx(0.5), pytest.approx(50), pytest.approx(80))


def test_an_oracle_needs_the_calls_that_help_and_no_others():
    """Half of the questions need the strong model: the curve rises to full at half of the calls."""
    drawn = 1e-9 * np.random.default_rng(0).random(1000)
    routed = metrics.by_score(metrics.oracle(WEAK, STRONG) + drawn, WEAK, STRONG)
    assert routed.apgr == pytest.approx(0.75, abs=0.01)
    assert routed.cpt50 == pytest.approx(25, abs=1)
    assert routed.cpt80 == pytest.approx(40, abs=1)


def test_a_router_that_is_wrong_is_worse_than_blind():
    """The sign counts."""
    assert metrics.by_score(-metrics.oracle(WEAK, STRONG) + 1e-9 * np.arange(1000), WEAK, STRONG).apgr < 0.3


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=9, unique=True))
def test_points_on_the_straight_line_are_the_zero_router(shares):
    """Whatever shares were measured, the two ends are added."""
    routed = metrics.by_points([(share, 0.2 + 0.6 * share) for share in shares], 0.2, 0.8)
    assert routed.apgr == pytest.approx(0.5)
    assert routed.cpt80 == pytest.approx(80)


def test_without_a_gap_nothing_is_defined():
    """A strong model that is no better."""
    assert np.isnan(metrics.by_score(np.arange(10.0), np.ones(10), np.ones(10)).apgr)


def test_the_share_saved_is_read_from_the_hull():
    """Nine tenths of the cost at 95 percent, by a policy in the curve; mixing reaches what lies between two."""
    points = [(1.0, 0.95), (10.0, 1.0), (5.0, 0.9)]
    assert metrics.saved(points, 10.0, 1.0, 0.95) == pytest.approx(0.9)
    assert metrics.saved(points, 10.0, 1.0, 0.975) == pytest.approx(0.45)
    assert metrics.saved([(1.0, 0.5)], 10.0, 1.0, 0.95) == float("-inf")


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=12))
def test_the_hull_rises_and_bends_down(points):
    """Cost and quality rise, each corner buys less than the one before, and no point lies above."""
    corners = metrics.hull(points)
    costs, qualities = zip(*corners, strict=True)
    assert list(costs) == sorted(set(costs))
    assert list(qualities) == sorted(set(qualities))
    assert max(qualities) == max(quality for _, quality in points)
    assert corners[0][0] == min(cost for cost, _ in points)
    for cost, quality in points:
        assert quality <= np.interp(cost, costs, qualities) + 1e-9
