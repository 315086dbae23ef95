"""Calculations of an answer: what is wrong counts, what is not calculated is not judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfenced.evaluate.sums import evaluate


def test_an_answer_without_calculations_is_not_judged():
    assert evaluate(case("The patient is well.")) is None


@given(st.integers(2, 999), st.integers(2, 999), st.integers(-3, 3))
def test_a_product_is_right_or_wrong(one, other, slip):
    opinion = evaluate(case(f"That makes {one} × {other} = {one * other + slip} in all."))  # noqa: RUF001
    assert opinion.score == float(slip == 0)


def test_the_score_is_the_share_that_is_right():
    opinion = evaluate(case("2 + 2 = 4 and 3 + 3 = 7."))
    assert opinion.score == pytest.approx(0.5)
    assert opinion.reason == "1 of 2 calculations are wrong"
