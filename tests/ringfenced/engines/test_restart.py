"""When an engine that died is started again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.restart import DEATHS_MAX, DELAY_MAX_S, WINDOW_S, Quarantine, Restart, decide_restart


def test_the_first_restart_is_at_once_and_the_next_wait_longer():
    delays = [decide_restart([100.0] * n, 100.0) for n in range(1, 5)]
    assert delays == [Restart(0.0), Restart(0.2), Restart(0.4), Restart(0.8)]


def test_the_fifth_death_within_a_minute_is_one_too_many():
    assert decide_restart([1, 2, 3, 4, 5], 5) == Quarantine(5)


def test_old_deaths_are_forgiven():
    assert decide_restart([1, 2, 3, 4, 5 + WINDOW_S], 5 + WINDOW_S) == Restart(0.0)


@given(st.lists(st.floats(0, 200), min_size=1).map(sorted))
def test_every_death_has_an_answer_within_bounds(deaths):
    answer = decide_restart(deaths, deaths[-1])
    if isinstance(answer, Quarantine):
        assert answer.deaths >= DEATHS_MAX
    else:
        assert 0 <= answer.delay_s <= DELAY_MAX_S
