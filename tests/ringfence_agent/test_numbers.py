"""Numbers still do their work, and carry next to nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent import numbers
from ringfence_agent.numbers import NumberError

RANGES = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
NAMES = st.sampled_from(sorted(RANGES))


@given(NAMES, st.floats())
def test_a_number_of_sampling_has_two_digits_after_the_point_or_is_refused(name, value):
    least, most = RANGES[name]
    try:
        made = numbers.coarse(name, value)
    except NumberError:
        assert not least <= value <= most
        return
    assert least <= made <= most
    assert abs(made - value) <= 0.005 + 1e-9
    assert len(f"{made}".partition(".")[2]) <= 2


@given(NAMES)
def test_zero_has_no_sign(name):
    assert math.copysign(1, numbers.coarse(name, -0.0)) == 1


@given(st.integers(0, 2**64 - 1))
def test_a_seed_is_one_of_a_thousand_and_always_the_same(value):
    assert 0 <= numbers.seed(value) < numbers.SEEDS
    assert numbers.seed(value) == numbers.seed(value)


@given(st.integers(1, numbers.TOKENS_MAX))
def test_a_bound_on_tokens_has_two_digits_and_is_never_more_than_was_asked_for(value):
    made = numbers.tokens(value)
    assert 0 < made <= value
    assert value - made < value / 10 + 1
    assert len(str(made).rstrip("0")) <= 2


@pytest.mark.parametrize("value", [0, numbers.TOKENS_MAX + 1, 2**32 - 1])
def test_a_bound_that_no_model_reaches_is_refused(value):
    with pytest.raises(NumberError):
        numbers.tokens(value)


def test_what_is_not_given_stays_so():
    assert (numbers.coarse("top_p", None), numbers.seed(None), numbers.tokens(None)) == (None, None, None)


def test_biases_are_whole_and_in_the_order_of_their_tokens():
    """Their order would be one more thing to say."""
    assert numbers.biases({9: 1.4, 3: -99.6}) == ((3, -100), (9, 1))


@pytest.mark.parametrize(
    "given_",
    [
        {2**18: 1.0},
        {1: 100.5},
        {1: float("nan")},
        {1: float("-inf")},
        dict.fromkeys(range(33), 1.0),
    ],
)
def test_biases_out_of_their_range_or_too_many_are_refused(given_):
    with pytest.raises(NumberError) as caught:
        numbers.biases(given_)
    assert "262144" not in str(caught.value)
