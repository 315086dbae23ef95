"""The clock, by the kernel's word and beside the log."""

import pytest

from ringfence.permit import SKEW_MS
from ringfenced.cli.doctoring.clock import ClockFacts, judge, time_ms
from ringfenced.cli.doctoring.finding import State

NOW = 1_800_000_000_000


@pytest.mark.parametrize(("said", "state"), [(True, State.OK), (False, State.WARNING), (None, State.WARNING)])
def test_whether_something_keeps_it_right(said, state):
    assert [each.state for each in judge(ClockFacts(NOW, said))] == [state]


@pytest.mark.parametrize(
    ("log", "state"), [(NOW - 86_400_000, State.OK), (NOW + SKEW_MS, State.OK), (NOW + SKEW_MS + 1, State.ERROR)]
)
def test_a_log_that_is_ahead_was_written_by_another_clock(log, state):
    assert judge(ClockFacts(NOW, True, log))[1].state is state


@pytest.mark.parametrize("said", [-1, 2**63, 10**400, "1", 1.5, None, []])
def test_what_is_no_time_is_none(said):
    """Whatever an agent that was taken over writes into its log."""
    assert time_ms(said) is None
    assert time_ms(NOW) == NOW
