"""Calculations in prose: right ones pass, wrong ones are found, and what is no calculation is left alone."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfenced.evaluate import arithmetic
from ringfenced.evaluate.arithmetic import calculations, check

RIGHT = r"""
12 × 3 = 36
$5 + $7 = $12
20% of 50 is 10
20 percent of 50 is 10
3/4 = 0.75
16 eggs - 3 eggs - 4 eggs = 9 eggs
9 eggs * $2/egg = $18
\frac{3}{4} = 0.75
12 / \frac{6}{3} = 6
a + b = 5 + 3 - 1 = 7
48/2 = <<48/2=24>>24 clips
2 hours = 120 minutes
2 hours + 30 minutes = 150 minutes
50 cents * 4 = $2
$1,200 + 300 = 1,500
1.234,5 + 1,5 = 1.236
1.000 + 500 = 1.500
1 234 + 6 = 1 240
1 234 + 6 = 1 240
100/3 = 33.33
20/3 = 6.66
50 / 200 = 25%
100 + 20% = 120
50 + 20% = 60
200 - 10% = 180
(5 + 3) * 2 = 16
2(3+4) = 14
She has 3 boys and 16 - 3 = 13.
- 5 + 3 = 8
5 * 3 = 15 + 2 = 17
the total is $100 - $30 = **$70**
5 plus 3 is 8
3 fois 4 font 12
3 mal 4 ist 12
1 1/2 + 2 = 3.5
2^3 = 8
3² + 4² = 25
\boxed{5 \times 3 = 15}
5 x 3 = 15
5 apples x $2 = $10
12 : 3 = 4
10 - (-2) = 12
-5 + 3 = -2
1 km = 1000 m
0.2 * 50 = \boxed{{10}}
100 / 3 ≈ 33
33.33 * 3 = 100
½ * 8 = 4
"""  # noqa: RUF001
WRONG = r"""
12 × 3 = 35
$5 + $7 = $13
20% of 50 is 11
3/4 = 0.9
2 hours = 130 minutes
48/2 = <<48/2=25>>25 clips
1.000 + 500 = 1.600
1,557 x 6 = 9,340
5 * 3 = 16 + 2 = 18
\frac{3}{4} = 0.6
(5 + 3) * 2 = 17
16 eggs - 3 eggs - 4 eggs = 10 eggs
1 km = 100 m
7 * 8 + 1 is 54
50 cents * 4 = $3
100 + 20% = 130
7 - 2 = 4
"""  # noqa: RUF001
NONE = r"""
2x + 3 = 7
x + 5 + 3 = 12
f(3) = 9 + 1
sqrt(16) + 2 = 6
P(2) = 1/2
n = 5
on 10/11/2012 we = 5
Call 555-1234 is 5
log_2 8 + 1 = 4
2023-2024 is 5
Section 1.2 = 5
tax + 5 + 3 = 12
1 hour = 60 km
I have 3 of 5 is 2
5 / 0 = 7
12345678901234567890 + 1 = 2
"""


@pytest.mark.parametrize("text", RIGHT.strip().split("\n"))
def test_a_right_calculation_is_found_and_passes(text):
    """Each of these is a calculation, and holds."""
    checked = check(text)
    assert checked.calculations >= 1
    assert checked.wrong == ()


@pytest.mark.parametrize("text", WRONG.strip().split("\n"))
def test_a_wrong_calculation_is_found(text):
    """Each of these is wrong somewhere, and the place lies in the text."""
    wrong = check(text).wrong
    assert wrong
    assert all(0 <= one.start < one.end <= len(text) for one in wrong)


@pytest.mark.parametrize("text", NONE.strip().split("\n"))
def test_what_is_no_calculation_is_left_alone(text):
    """Unknowns, functions, dates, telephone numbers and impossible divisions are nobody's mistake."""
    assert check(text).calculations == 0


def test_kinds_are_told():
    """A percentage, a conversion and a plain sum are named as such."""
    kinds = [one.kind for one in check("20% of 50 = 11.\n1 km = 100 m.\n2 + 2 = 5.").wrong]
    assert kinds == ["percent", "unit", "calculation"]


def test_a_calculation_that_goes_on_in_the_next_line_is_one():
    """An equation that is broken before its equals sign is still read."""
    assert [one.right for one in calculations("12 * 3 + 1\n  = 37")] == [True]


def test_where_numbers_come_from_is_told():
    """The operands and the stated result of a step are there for whoever traces them."""
    (one,) = calculations("So 16 - 7 = 9 are left.")
    assert (one.operands, one.stated) == ((16.0, 7.0), 9.0)


numbers = st.integers(0, 99_999)
signs = st.sampled_from(["+", "-", "*", "x", "\u00d7", "\\times", "plus", "minus", "times"])
starts = st.sampled_from(["", "So there are ", "3. Then ", "Total: ", "**Step 2** ", "On day 4, "])
ends = st.sampled_from(["", ".", " boxes.", " in all", ", and so on", "\n", "**"])


def _worth(sign, one, other):
    return {"+": one + other, "p": one + other, "-": one - other, "m": one - other}.get(sign[0], one * other)


@given(starts, numbers, signs, numbers, ends, st.integers(-3, 3), st.booleans())
def test_generated_sums_are_judged(start, one, sign, other, end, off, grouped):  # noqa: PLR0917  hypothesis names them
    """Two numbers, any sign, any words around: right if the result is, wrong if it is off by one or more."""
    worth = _worth(sign, one, other) + off
    shown = f"{worth:,}" if grouped else str(worth)
    found = calculations(f"{start}{one} {sign} {other} = {shown}{end}")
    assert [found_one.right for found_one in found] == [off == 0]


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(1, 99)), min_size=1, max_size=6), numbers, st.booleans())
def test_generated_chains_keep_precedence(steps, first, off):
    """A whole expression is worth what Python says it is worth; of large ones the first eleven digits count."""
    text = str(first) + "".join(f" {sign} {number}" for sign, number in steps)
    worth = eval(text)
    worth += (7 + abs(worth) // 10**9) * off
    found = calculations(f"{text} = {worth}.")
    assert [one.right for one in found] == [not off]


@given(st.integers(1, 9999), st.integers(1, 9999), st.integers(1, 6))
def test_quotients_may_be_rounded(one, other, places):
    """A quotient rounded to any number of places holds; one that is off by 2 percent and two last places does not."""
    worth = one / other
    assert check(f"{one} / {other} = {worth:.{places}f}").wrong == ()
    far = worth * 1.02 + 2.5 * 10**-places
    assert len(check(f"{one} / {other} = {far:.{places}f}").wrong) == 1


@given(st.integers(1, 500), st.sampled_from([("hours", "minutes", 60), ("km", "m", 1000), ("weeks", "days", 7)]))
def test_conversions_are_judged(number, units):
    """A conversion holds by the table's factor and not by twice that."""
    large, small, factor = units
    assert check(f"{number} {large} = {number * factor} {small}") == (1, ())
    assert len(check(f"{number} {large} = {2 * number * factor} {small}").wrong) == 1


@given(numbers, st.sampled_from("+-*x/"), st.integers(1, 999), starts, ends)
def test_the_plain_way_and_the_general_way_agree(one, sign, other, start, end):
    """What a scan takes for a plain calculation is what the general reader takes it for."""
    worth = one / other if sign == "/" else _worth(sign, one, other)
    text = f"{start}{one} {sign} {other} = {worth:g}{end}"
    simple = calculations(text)
    general = arithmetic.calculations_in(arithmetic.symbols(text))
    assert [(found.right, found.operands, found.stated) for found in simple] == [
        (found.right, found.operands, found.stated) for found in general
    ]


@given(st.text(st.sampled_from("0123456789+-*/^=().,%$ x{}[]\\frac ofis\n≈²:"), max_size=400))
@settings(max_examples=300)
def test_nothing_breaks_it(text):
    """Any soup of digits and signs gives an answer, with places inside the text and finite numbers."""
    for one in calculations(text):
        assert 0 <= one.start <= one.end <= len(text)
        assert all(map(math.isfinite, (*one.operands, one.stated)))


@pytest.mark.parametrize(
    "text",
    ["9^" * 5000 + "9 = 1", "(" * 10_000, "(" * 9_000 + "1" + ")" * 9_000 + " + 1 = 2", "1+" * 9_999 + "1 = 3",
     "9" * 20_000, "= " * 10_000, "1 = " * 5_000, "\\frac{" * 3_000, "1,000" * 4_000,
     "a " * 10_000 + "= 3", "1 1/2 " * 3_000],
)  # fmt: skip
def test_hostile_texts_take_no_time(text):
    """Towers of powers, deep brackets and endless sums are passed over, in linear time."""
    begun = time.process_time()
    check(text)
    assert time.process_time() - begun < 2
