"""Send times of the open loop, and the search for the highest rate."""

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_parts.schedule import highest, poisson


@given(st.floats(1, 2000), st.floats(0.1, 2), st.integers(0, 99))
def test_send_times_ascend_within_the_time_and_repeat_with_the_seed(rate, seconds, seed):
    times = poisson(rate, seconds, seed)
    assert times == sorted(times)
    assert all(0 < at < seconds for at in times)
    assert times == poisson(rate, seconds, seed)


def test_intervals_are_exponential():
    times = poisson(1000, 20, 7)
    gaps = [later - sooner for sooner, later in pairwise(times)]
    # The exponential distribution's mean and standard deviation are equal.
    assert statistics.mean(gaps) == pytest.approx(0.001, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(0.001, rel=0.05)


def test_a_rate_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        poisson(0, 1, 1)


@given(st.floats(0, 1000), st.integers(1, 12))
def test_the_search_ends_just_under_the_true_limit(limit, probes):
    found = highest(lambda rate: rate <= limit, 1000, probes)
    assert found <= limit
    assert limit - found <= 1000 / 2**probes + 1e-9


def test_a_server_that_holds_nothing_has_no_rate():
    assert highest(lambda _: False, 100, 4) == 0
