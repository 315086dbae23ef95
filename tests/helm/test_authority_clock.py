"""Whose clock the chart's own authority believes."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SKEW = timedelta(minutes=5)


def is_believed(authority, date):
    try:
        authority.demand_agreement(NOW, date)
    except authority.AuthorityError:
        return False
    return True


@example(apart_s=300)
@example(apart_s=-301)
@given(apart_s=st.integers(-600, 600) | st.integers(-(10**9), 10**9))
def test_two_clocks_agree_within_five_minutes(authority, apart_s):
    """In the form that a server must send (RFC 9110, 5.6.7)."""
    apart = timedelta(seconds=apart_s)
    assert is_believed(authority, format_datetime(NOW + apart, usegmt=True)) == (abs(apart) <= SKEW)


@example(text="")
@example(text="Tue, 01 Dec 2026 12:00:00 +0000, Tue, 01 Dec 2026 12:00:00 GMT")
@given(text=st.text())
def test_what_is_no_time_is_never_believed(authority, text):
    """A header that is missing counts as an empty one."""
    with pytest.raises(authority.AuthorityError, match="does not say the time"):
        authority.demand_agreement(NOW, text)
