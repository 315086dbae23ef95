"""Figures of a round."""

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.models_figures import Timed, percentile, round_of


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_a_round_adds_up():
    made = round_of(2, [Timed(1.0, 0.1, 10, 5), Timed(3.0, None, 20, 15)], 4.0)
    assert (made.requests, made.prompt_tokens, made.completion_tokens, made.tokens_per_s) == (2, 30, 20, 5.0)
    assert (made.first_p50_s, made.first_p99_s, made.request_p50_s, made.request_p99_s) == (0.1, 0.1, 1.0, 3.0)
