"""Refits come on a geometric schedule."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.schedule import GROWTH, LABELS_MAX, refit_due


def test_the_first_takes_the_minimum_and_later_ones_a_quarter_more():
    assert not refit_due(49, 0, 50)
    assert refit_due(50, 0, 50)
    assert not refit_due(249, 1000, 50)
    assert refit_due(250, 1000, 50)


@given(st.integers(0, 10**9), st.integers(1, 10**5))
def test_what_is_bounded_is_learned_anew_after_a_bounded_time(used, labels_min):
    assert refit_due(max(LABELS_MAX, labels_min), used, labels_min)


@given(st.integers(1, 1000))
def test_all_refits_together_read_a_few_times_what_the_last_one_reads(labels_min):
    used, read, labels = 0, 0, 0
    while labels < 20_000:
        fresh = next(n for n in range(1, 10**6) if refit_due(n, used, labels_min))
        labels += fresh
        used = labels
        read += used
    assert read <= used * (1 / GROWTH + 2)
