"""A rate that is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.exits import Failure
from ringfenced.cli.pulling.pace import Pace, read_rate


class Clock:
    """Seconds that pass only while somebody sleeps or works."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        assert seconds > 0
        self.now_s += seconds


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 3)), min_size=1), st.integers(1, 10**6))
def test_no_transfer_is_faster_than_its_rate(pieces, rate):
    clock = Clock()
    pace, began_s, total = Pace(rate, clock, clock.sleep), clock.now_s, 0
    for size, work_s in pieces:
        clock.now_s += work_s
        pace.passed(size)
        total += size
    assert total <= rate * (clock.now_s - began_s) * 1.000001 + 1


def test_time_that_was_not_used_is_not_saved_up():
    clock = Clock()
    pace = Pace(100, clock, clock.sleep)
    clock.now_s += 1000
    pace.passed(1)
    before_s = clock.now_s
    for _ in range(10):
        pace.passed(100)
    assert clock.now_s - before_s > 8


def test_without_a_rate_nobody_waits():
    Pace(None, Clock(), None).passed(10**12)


def test_rates_as_people_write_them():
    assert read_rate("20M") == 20_000_000
    assert read_rate("1.5 kB/s") == 1500
    assert read_rate("") is None
    for text in ("fast", "0", "-1", "1T", "20M20"):
        with pytest.raises(Failure):
            read_rate(text)
