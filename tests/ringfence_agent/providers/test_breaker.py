"""When a provider is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.providers.breaker import TRANSITIONS, Breaker, BreakerSettings, Happening, State

SETTINGS = BreakerSettings(failures_max=3, open_seconds=10.0)


def tripped():
    breaker = Breaker(SETTINGS)
    for _ in range(3):
        breaker.failed(0.0)
    return breaker


def test_failures_in_a_row_open_it_and_it_says_how_long():
    breaker = Breaker(SETTINGS)
    breaker.failed(0.0)
    breaker.failed(0.0)
    assert breaker.begin(0.0) == 0.0
    breaker.failed(1.0)
    assert breaker.state is State.OPEN
    assert breaker.begin(4.0) == 7.0
    assert breaker.wait_s(4.0) == 7.0


def test_what_one_caller_may_have_brought_about_takes_a_second():
    """However often it fails; a failure that none can have brought about counts by itself."""
    breaker = Breaker(SETTINGS)
    for _ in range(50):
        breaker.failed(0.0, "one")
    assert breaker.state is State.CLOSED
    breaker.failed(0.0, "two")
    assert breaker.state is State.OPEN
    other = Breaker(SETTINGS)
    for _ in range(3):
        other.failed(0.0)
    assert other.state is State.OPEN


def test_a_trial_of_who_fails_alone_lets_the_next_try_at_once():
    """Else one caller could keep the others out trial by trial."""
    breaker = tripped()
    breaker.begin(10.0)
    breaker.failed(11.0, "one")
    assert breaker.begin(11.0) == 0.0
    breaker.failed(12.0, "two")
    assert breaker.begin(12.0) == 10.0


def test_an_answer_between_them_begins_the_row_anew():
    breaker = Breaker(SETTINGS)
    for _ in range(10):
        breaker.failed(0.0)
        breaker.failed(0.0)
        breaker.answered()
    assert breaker.state is State.CLOSED


def test_after_its_rest_one_request_tries_and_others_wait():
    breaker = tripped()
    assert breaker.begin(10.0) == 0.0
    assert breaker.state is State.HALF_OPEN
    assert breaker.begin(10.0) == 10.0


def test_a_trial_that_is_answered_closes_it():
    breaker = tripped()
    breaker.begin(10.0)
    breaker.answered()
    assert breaker.state is State.CLOSED
    assert breaker.begin(10.0) == 0.0
    breaker.failed(10.0)
    assert breaker.state is State.CLOSED


def test_a_trial_that_fails_opens_it_again_at_once():
    breaker = tripped()
    breaker.begin(10.0)
    breaker.failed(11.0)
    assert breaker.begin(20.9) == pytest.approx(0.1)
    assert breaker.begin(21.0) == 0.0


def test_a_trial_that_tells_nothing_lets_another_go_at_once():
    breaker = tripped()
    breaker.begin(10.0)
    breaker.unknown(10.5)
    assert breaker.begin(10.5) == 0.0


def test_a_trial_that_never_ends_lets_another_go_after_a_rest():
    breaker = tripped()
    breaker.begin(10.0)
    assert breaker.begin(19.0) > 0.0
    assert breaker.begin(20.0) == 0.0


def test_what_fails_late_does_not_lengthen_the_rest():
    """Many requests were in flight when the provider went away; their failures come one by one."""
    breaker = tripped()
    for late_s in range(1, 10):
        breaker.failed(float(late_s))
    assert breaker.begin(10.0) == 0.0


def test_a_single_failure_can_be_one_too_many():
    breaker = Breaker(BreakerSettings(failures_max=1, open_seconds=1.0))
    breaker.failed(0.0)
    breaker.begin(1.0)
    breaker.failed(1.0)
    assert breaker.state is State.OPEN


@given(st.lists(st.tuples(st.sampled_from(["begin", "answered", "failed", "unknown"]), st.integers(0, 30))))
def test_it_moves_only_as_the_table_says_and_never_shuts_for_good(steps):
    breaker, now_s = Breaker(SETTINGS), 0
    for name, passed_s in steps:
        now_s += passed_s
        before = breaker.state
        if name == "answered":
            breaker.answered()
        else:
            getattr(breaker, name)(now_s)
        after = breaker.state
        assert after is before or any(TRANSITIONS.get((before, one)) is after for one in Happening)
        assert breaker.wait_s(now_s) <= SETTINGS.open_seconds
    assert breaker.begin(now_s + SETTINGS.open_seconds) == 0.0
