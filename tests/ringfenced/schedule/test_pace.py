"""What an engine's past lets a newcomer expect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.schedule.pace import ANSWER_TOKENS_PRIOR, PROMPT_WORK, Pace, expected_wait_s, work_of


def test_nothing_is_known_before_it_was_measured():
    pace = Pace()
    assert (pace.first_token_s, pace.token_s, pace.work_s, pace.work) == (None,) * 4
    assert pace.expected_first_token_s(100) is None
    assert pace.expected_tokens(10_000) == ANSWER_TOKENS_PRIOR
    assert pace.expected_tokens(10) == 10


def test_measures_follow_what_happens_now():
    pace = Pace()
    for seconds in [1.0] * 50 + [3.0] * 50:
        pace.add_first_token(seconds, 100)
        pace.add_tokens(seconds / 100)
        pace.add_answer(seconds * 10, 100, 75)
    assert pace.first_token_s == pytest.approx(3.0, rel=0.02)
    assert pace.expected_first_token_s(200) == pytest.approx(6.0, rel=0.02)
    assert pace.token_s == pytest.approx(0.03, rel=0.02)
    assert pace.work == pytest.approx(75 + 100 * PROMPT_WORK)
    assert pace.work_s == pytest.approx(0.3, rel=0.02)
    assert pace.expected_tokens(10_000) == pytest.approx(75)


def test_the_wait_is_for_the_first_that_ends_and_then_for_those_ahead():
    running = [(100.0, 0.2), (50.0, 0.1), (200.0, 0.0), (80.0, 0.3)]
    assert expected_wait_s(0.01, 0.0, running) == pytest.approx(0.4)
    assert expected_wait_s(0.01, 400.0, running) == pytest.approx(1.4)
    assert expected_wait_s(0.01, 0.0, [(1.0, 5.0)]) == 0
    assert expected_wait_s(0.01, 0.0, []) == 0


@given(st.lists(st.floats(1, 100), min_size=1, max_size=8), st.lists(st.floats(1, 100), max_size=30))
def test_the_wait_is_right_where_each_works_at_the_same_pace_but_for_the_longest_job(running, ahead):
    """Beside a simulation: places that each do one unit a second."""
    ends = sorted(running)
    for work in ahead:
        ends.append(ends.pop(0) + work)
        ends.sort()
    expected = expected_wait_s(1.0, sum(ahead), [(work, 0.0) for work in running])
    assert expected == pytest.approx(ends[0], abs=max(running + ahead) * 1.0001)


def test_work_is_never_nothing():
    assert work_of(0, 0) > 0
