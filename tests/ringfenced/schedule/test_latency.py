"""A target's measured times: a line through what its answers took, that a few odd ones do not move."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ringfenced.schedule.latency import AGE_S_MAX, ENOUGH, KEPT, Latency, Observed


def latency(*seen, at_s=0.0):
    made = Latency(prompt_token_ms=0.5, token_ms=7.0)
    for tokens, first_ms in seen:
        made.add(Observed(tokens, first_ms, None, at_s))
    return made


LINE = [(tokens, 40 + 2.0 * tokens) for tokens in range(0, 400, 20)]


def test_a_line_is_found_and_a_few_odd_answers_do_not_move_it():
    """Four in twenty took a minute."""
    odd = [(tokens, 60_000.0) if tokens in (20, 80, 240, 300) else (tokens, ms) for tokens, ms in LINE]
    for seen in (LINE, odd):
        speed = latency(*seen).measured(0.0)
        assert (speed.first_token_ms, speed.prompt_token_ms) == pytest.approx((40, 2.0))


def test_too_few_answers_are_none():
    """Then what is configured counts."""
    assert latency(*LINE[: ENOUGH - 1]).measured(0.0) is None
    assert latency(*LINE[:ENOUGH]).measured(0.0).answers == ENOUGH


def test_prompts_that_are_alike_take_the_configured_slope():
    """And answers that are too short the configured pace."""
    speed = latency(*[(100, 90.0)] * 10).measured(0.0)
    assert (speed.first_token_ms, speed.prompt_token_ms, speed.token_ms) == (40.0, 0.5, 7.0)


def test_a_line_never_falls_below_nothing():
    """Steep slopes go through the origin."""
    speed = latency(*[(100, 1.0)] * 10).measured(0.0)
    assert (speed.first_token_ms, speed.prompt_token_ms) == (0.0, 0.01)


def test_a_change_shows_after_a_dozen_answers():
    """What counts is lately."""
    made = latency(*[(100, 90.0)] * KEPT)
    for _ in range(KEPT // 2 + 1):
        made.add(Observed(100, 900.0, None, 1.0))
    assert made.measured(1.0).first_token_ms == 850.0


def test_old_answers_are_forgotten():
    """A target that nobody asked is expected to be what is configured, and asked again."""
    made = latency(*LINE)
    assert made.measured(AGE_S_MAX) is not None
    assert made.measured(AGE_S_MAX + 1) is None


def test_the_pace_is_the_median():
    """Of the answers that were long enough to tell."""
    made = Latency(prompt_token_ms=0.0, token_ms=7.0)
    for token_ms in (None, None, 3.0, 4.0, 500.0, None):
        made.add(Observed(10, 5.0, token_ms, 0.0))
    assert made.measured(0.0).token_ms == 4.0


SEEN = st.lists(st.tuples(st.integers(0, 10**6), st.floats(0.001, 1e7)), max_size=2 * KEPT)


@given(SEEN)
def test_whatever_is_seen_times_are_within_what_was_seen(seen):
    """Never under nothing, and a typical prompt is never expected to take longer than the slowest answer."""
    speed = latency(*seen).measured(0.0)
    if speed is None:
        assert len(seen) < ENOUGH
        return
    kept = seen[-KEPT:]
    assert speed.first_token_ms >= 0
    assert speed.prompt_token_ms >= 0
    shortest = min(tokens for tokens, _ in kept)
    expected = speed.first_token_ms + speed.prompt_token_ms * shortest
    assert expected <= max(ms for _, ms in kept) * 1.001 + 1
