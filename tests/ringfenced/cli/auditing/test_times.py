import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.auditing.times import TIME_MAX_UNIX_MS, day, iso, moment, month
from ringfenced.cli.exits import ExitCode, Failure

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "ago_s"), [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), ("0s", 0)]
)
def test_how_long_ago_counts_from_the_clock(text, ago_s):
    assert moment(text, NOW) == NOW - ago_s * 1000


def test_longer_ago_than_time_began_is_the_beginning():
    assert moment("999999w", NOW) == 0


@pytest.mark.parametrize(
    ("text", "unix_ms"),
    [
        ("1970-01-02", 86_400_000),
        ("2026-11-03T14:00:00Z", 1_793_714_400_000),
        ("2026-11-03T14:00:00", 1_793_714_400_000),
        ("2026-11-03T15:00:00.5+01:00", 1_793_714_400_500),
    ],
)
def test_a_time_without_an_offset_is_utc(text, unix_ms):
    assert moment(text, NOW) == unix_ms


@pytest.mark.parametrize("text", ["", "soon", "24", "-1h", "1969-12-31", "2026-13-01", "\u0661h", "1y"])
def test_what_is_no_time_is_wrong_usage(text):
    with pytest.raises(Failure) as caught:
        moment(text, NOW)
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "days"), [("2026-11", 30), ("2026-12", 31), ("2028-02", 29), ("2026-02", 28), ("1970-01", 31)]
)
def test_a_month_ends_where_the_next_begins(text, days):
    start, end = month(text)
    assert end - start == days * 86_400_000
    assert iso(start) == f"{text}-01T00:00:00.000Z"


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "november", "2026-11-01", "1969-12"])
def test_what_is_no_month_is_wrong_usage(text):
    with pytest.raises(Failure):
        month(text)


@given(st.integers(0, 4_000_000_000_000))
def test_what_is_written_is_read_back(unix_ms):
    assert moment(iso(unix_ms), NOW) == unix_ms
    assert moment(day(unix_ms), NOW) == unix_ms // 86_400_000 * 86_400_000


def test_the_last_moment_is_the_last_of_the_year_9999():
    assert iso(TIME_MAX_UNIX_MS) == "9999-12-31T23:59:59.999Z"
