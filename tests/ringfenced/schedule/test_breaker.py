"""A breaker opens where the table says so, for a bounded while, and always lets a trial go after it."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from ringfenced.schedule.breaker import (
    NEW,
    TRANSITIONS,
    TRIAL_S,
    Happening,
    Rule,
    State,
    answered,
    failed,
    tried,
    untold,
    wait_s,
)

RULE = Rule(failures_max=2, rest_s=1.0, rest_s_max=8.0)


def fail(breaker, now_s=0.0, *, rule=RULE, caller="a", drawn=1.0, asked_s=None):
    return failed(breaker, rule, caller=caller, now_s=now_s, drawn=drawn, asked_s=asked_s)


def test_the_table_has_no_other_moves_than_the_drawing():
    """The drawing in the module's docstring is the table."""
    assert {(before, happening, after) for (before, happening), after in TRANSITIONS.items()} == {
        (State.CLOSED, Happening.TRIPPED, State.OPEN),
        (State.OPEN, Happening.TRIED, State.HALF_OPEN),
        (State.HALF_OPEN, Happening.ANSWERED, State.CLOSED),
        (State.HALF_OPEN, Happening.FAILED, State.OPEN),
    }


def test_failures_in_a_row_open_it_and_an_answer_between_them_does_not():
    """An answer begins the count anew."""
    assert fail(fail(NEW)).state is State.OPEN
    assert fail(answered(fail(NEW))).state is State.CLOSED


def test_the_first_after_a_rest_is_the_trial_and_its_answer_closes_it():
    """All others wait until the trial has ended, or has been without an answer for too long."""
    opened = fail(fail(NEW))
    assert wait_s(opened, 0.4) == 0.6
    trial = tried(opened, 1.0)
    assert (trial.state, wait_s(trial, 1.0)) == (State.HALF_OPEN, TRIAL_S)
    assert answered(trial) == NEW
    assert wait_s(untold(trial, 2.0), 2.0) == 0.0


def test_each_further_rest_is_twice_as_long_up_to_a_bound():
    """What stays down is asked ever more rarely."""
    breaker, rests = fail(fail(NEW)), []
    for _ in range(5):
        rests.append(breaker.until_s)
        breaker = fail(tried(breaker, 0.0))
    assert rests == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert fail(fail(NEW), drawn=0.0).until_s == 0.5


def test_who_asks_to_be_left_alone_is_left_alone_for_so_long():
    """Also where it asks for more than the longest rest, and after the breaker has opened."""
    assert fail(NEW, rule=Rule(1, 1.0, 8.0), asked_s=90.0).until_s == 90.0
    opened = fail(fail(NEW))
    assert fail(opened, now_s=0.5, asked_s=20.0).until_s == 20.5
    assert fail(opened, now_s=0.5) == opened


def test_what_a_request_may_bring_about_takes_two_callers():
    """One caller cannot take a target from the others."""
    rule, breaker = Rule(2, 1.0, 8.0, callers_min=2), NEW
    for _ in range(50):
        breaker = fail(breaker, rule=rule)
    assert breaker.state is State.CLOSED
    assert fail(breaker, rule=rule, caller="b").state is State.OPEN


def test_a_late_answer_says_nothing_of_what_opened_since():
    """It belongs to a request that went before."""
    opened = fail(fail(NEW))
    assert answered(opened) == opened


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["failed", "answered", "untold", "tried"]),
        st.floats(0, 100),
        st.floats(0, 1),
        st.none() | st.floats(0, 3600),
    )
)


@given(STEPS)
def test_whatever_happens_it_lets_a_request_go_after_a_bounded_while(steps):
    """Every open breaker reopens: nothing keeps a target away for good."""
    breaker, now_s, until_s = NEW, 0.0, 0.0
    for what, seconds, drawn, asked_s in steps:
        now_s += seconds
        if what == "failed":
            breaker = fail(breaker, now_s, drawn=drawn, asked_s=asked_s)
            until_s = max(until_s, now_s + (asked_s or 0.0))
        elif what == "answered":
            breaker = answered(breaker)
        elif what == "untold":
            breaker = untold(breaker, now_s)
        elif wait_s(breaker, now_s) == 0.0:
            breaker = tried(breaker, now_s)
    assert wait_s(breaker, now_s) <= max(RULE.rest_s_max, TRIAL_S, until_s - now_s)
    later = now_s + max(RULE.rest_s_max, TRIAL_S, 3600.0)
    assert wait_s(breaker, later) == 0.0
    assert answered(tried(breaker, later)) == NEW
