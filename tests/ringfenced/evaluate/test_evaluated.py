"""The calculator: bounds, precedence, and how far rounding reaches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.evaluate.evaluated import Reading, evaluated
from ringfenced.evaluate.figures import symbols

PLAIN = Reading(german=False, units=False, share="part")


def _value(text):
    return evaluated(symbols(text), PLAIN)


@pytest.mark.parametrize(
    ("text", "worth"), [("2 + 3 * 4", 14), ("2 ^ 3 ^ 2", 512), ("(2 + 3) * 4", 20), ("8 / 4 / 2", 1)]
)
def test_precedence(text, worth):
    """Powers before products before sums; powers from the right, the rest from the left."""
    assert _value(text)[0] == worth


@pytest.mark.parametrize(
    "text", ["1 / 0", "9 ^ 99", "10 ^ 64", "0 ^ 0", "+ 3", "( 1", "1 )", "", "1 2", "(" * 20 + "1" + ")" * 20]
)
def test_what_has_no_value(text):
    """Division by nothing, powers past all bounds and broken expressions have none."""
    assert _value(text) is None


@given(st.integers(1, 999), st.integers(1, 999))
def test_rounding_reaches_as_far_as_it_does(one, other):
    """The true value of a product lies within the slack of the product of two rounded numbers."""
    first, second = one / 7, other / 11
    worth, slack = _value(f"{first:.2f} * {second:.2f}")
    assert abs(worth - first * second) <= slack + 0.005 * 0.005 + 1e-9
