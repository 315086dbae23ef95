"""Strings made to be slow, and the power that a cost grows with."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_parts.nasty import KINDS, exponent, fuzzed


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("size", [64, 1000, 4096])
def test_a_kind_gives_a_text_of_the_length_that_is_asked_for(name, size):
    assert len(KINDS[name](size)) == size


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_gives_the_same_text_each_time(name):
    assert KINDS[name](512) == KINDS[name](512)


def test_there_are_at_least_forty_kinds():
    assert len(KINDS) >= 40
    assert len({kind(512) for kind in KINDS.values()}) == len(KINDS)


@given(st.integers(0, 10**6), st.integers(200, 2000))
def test_the_fuzzer_gives_the_same_text_for_the_same_seed(seed, size):
    text = fuzzed(seed)(size)
    assert len(text) == size
    assert text == fuzzed(seed)(size)


def test_different_seeds_give_different_texts():
    assert len({fuzzed(seed)(500) for seed in range(50)}) > 45


@given(st.floats(0.1, 3), st.floats(1e-6, 1e3), st.lists(st.integers(1, 10**6), min_size=2, max_size=6, unique=True))
def test_the_exponent_of_a_power_is_that_power(power, factor, sizes):
    seconds = [factor * size**power for size in sizes]
    assert math.isclose(exponent(sizes, seconds), power, rel_tol=1e-6, abs_tol=1e-6)


def test_a_quadratic_cost_is_told_from_a_linear_one():
    sizes = [1000, 2000, 4000]
    assert exponent(sizes, [size * 1.0 for size in sizes]) < 1.15 < exponent(sizes, [size**2.0 for size in sizes])
