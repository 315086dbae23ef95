"""Symbols of prose: what a number is worth in each reading, and where it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.evaluate.figures import symbols


@pytest.mark.parametrize(
    ("text", "english", "german"),
    [("1,234.5", 1234.5, 1234.5), ("1.234,5", 1234.5, 1234.5), ("1.234", 1.234, 1234), ("1,234", 1234, 1.234),
     ("12,5", 12.5, 12.5), ("1 234 567", 1234567, 1234567), ("0.125", 0.125, 0.125), (".5", 0.5, 0.5),
     ("3.14", 3.14, 3.14), ("½", 0.5, 0.5), ("1 1/2", 1.5, 1.5), ("7", 7, 7), ("1'000", 1000, 1000)],
)  # fmt: skip
def test_a_number_in_both_readings(text, english, german):
    """Grouping and decimals are told apart where the form tells, and both are kept where it does not."""
    (symbol,) = symbols(text)
    assert (symbol.value, symbol.other) == (english, german)


def test_words_belong_to_the_number_before_them():
    """A unit, a rate's denominator and a percent sign are part of the number."""
    one, sign, other = symbols("20 miles/hour * 15%")
    assert (one.kind, one.worded, sign.text, other.percent) == ("n", True, "*", True)


def test_too_many_digits_are_no_number():
    """A number that a double cannot hold exactly is not calculated with."""
    assert [symbol.kind for symbol in symbols("12345678901234567")] == ["?"]


@given(st.text(max_size=200))
def test_symbols_stand_in_order_inside_the_text(text):
    """Whatever the text, places rise and stay inside it."""
    at = 0
    for symbol in symbols(text):
        assert at <= symbol.start + 1
        assert 0 <= symbol.start <= symbol.end <= len(text) + 1
        at = symbol.start
