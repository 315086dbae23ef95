"""Dates moved in their own writing."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.deidentify.dates import WEEKS_MAX, WEEKS_MIN, shift

DAYS = 7 * 10_500


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("2026-11-02", "2228-01-28"),
        ("11/02/2026", "01/28/2228"),
        ("11/2/26", "01/28/2228"),
        ("02.11.2026", "28.01.2228"),
        ("2 November 2026", "28 January 2228"),
        ("NOVEMBER 2ND, 2026", "JANUARY 28TH, 2228"),
        ("2. November 2026", "28. January 2228"),
        ("2 de noviembre de 2026", "28 de enero de 2228"),
        ("2 nov 2026", "28 jan 2228"),
        ("14 March", "9 June 2226"),
        ("March 14", "June 9, 2226"),
        ("March 2025", "June 2226"),
        ("03/2025", "06/2226"),
        ("198001021230", "218103281230"),
        ("19800102-4711", None),  # a personal number that begins with the day of birth
        ("198001024711", None),
        ("19800102524716", None),
        ("31/02/2024", None),
        ("no date", None),
        ("2150-01-01", None),
    ],
)
def test_the_writing_is_kept(text, moved):
    """Order, marks, case, language and ordinals stay; what is no day is left to the caller."""
    assert shift(text, DAYS, 2025) == moved


@given(st.dates(dt.date(1900, 1, 1), dt.date(2050, 12, 31)), st.integers(WEEKS_MIN, WEEKS_MAX - 1))
def test_every_day_of_a_lifetime_lands_in_the_reserved_years(day, weeks):
    """Any offset that can be drawn moves any day of 1900 to 2050 into 2100 to 2299, by exactly that offset."""
    moved = dt.date.fromisoformat(shift(day.isoformat(), 7 * weeks, 2025))
    assert moved - day == dt.timedelta(weeks=weeks)
    assert 2100 <= moved.year <= 2299


@given(st.text())
def test_shifting_never_raises(text):
    assert shift(text, DAYS, 2025) is None
