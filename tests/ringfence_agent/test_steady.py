"""Old records go by a clock that keeps step; no single reading, however wrong, counts."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.steady import SLACK_S, STEADY_S, Steady

BEGAN_MS = 1_700_000_000_000


def test_two_clocks_that_keep_step_are_believed_after_an_hour():
    steady = Steady()
    seen = [steady.observe(BEGAN_MS + minute * 60_000, 5.0 + minute * 60) for minute in range(62)]
    assert seen == [minute * 60 >= STEADY_S for minute in range(62)]


@given(st.integers(-(10**13), 10**13).filter(lambda ms: abs(ms) > SLACK_S * 1000 + 1), st.integers(61, 500))
def test_a_jump_begins_the_time_anew_and_so_does_the_way_back(jump_ms, minutes):
    steady = Steady()
    for minute in range(minutes):
        steady.observe(BEGAN_MS + minute * 60_000, minute * 60.0)
    assert not steady.observe(BEGAN_MS + minutes * 60_000 + jump_ms, minutes * 60.0)
    assert not steady.observe(BEGAN_MS + (minutes + 1) * 60_000, (minutes + 1) * 60.0)


def test_a_time_that_stands_still_is_not_believed():
    """The log's time does, after a clock that was ahead was set back."""
    steady = Steady()
    assert not any(steady.observe(BEGAN_MS, minute * 60.0) for minute in range(600))
