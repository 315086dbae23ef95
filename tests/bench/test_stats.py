"""Statistics of the benchmark."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_parts.stats import differences, percentile, ratios, summarise

VALUES = st.lists(st.floats(0, 1e9), min_size=1)


@given(VALUES, st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_enough_lie_at_or_under_it(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_the_99th_percentile_of_a_hundred_is_the_99th():
    assert percentile(list(range(1, 101)), 0.99) == 99


def test_a_request_that_never_came_counts_as_slower_than_any():
    assert math.isinf(percentile([1.0, 2.0, math.inf], 0.99))


def test_nothing_has_no_percentile():
    assert math.isnan(percentile([], 0.5))


def test_a_summary_leaves_out_what_was_not_measured():
    summary = summarise([3.0, math.nan, 1.0, 2.0])
    assert (summary.median, summary.low, summary.high, summary.count) == (2.0, 1.0, 3.0, 3)
    assert summarise([math.nan]) is None


def test_ratios_and_differences_pair_repetition_with_repetition():
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    assert differences([2.0, 9.0], [1.0, 3.0]) == [1.0, 6.0]


def test_a_ratio_to_nothing_is_not_a_number():
    assert math.isnan(ratios([1.0], [0.0])[0])


@pytest.mark.parametrize("repetitions", [1, 4])
def test_a_summary_counts_its_repetitions(repetitions):
    assert summarise([1.0] * repetitions).count == repetitions
