"""A verifier as a value: what it says, and that only its own bytes are read back."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.word_problems import worked
from ringfenced.learn.answers import NAMES, read_answer
from ringfenced.learn.outcome import BadState
from ringfenced.learn.packed import pack, unpack
from ringfenced.learn.verifier import Linear, Verifier
from ringfenced.learn.verifier_fit import Judged, refit

COUNT = len(NAMES)


def _cold():
    weights = np.zeros(COUNT)
    weights[NAMES.index("any_wrong")] = -1.0
    linear = Linear(np.zeros(COUNT), np.ones(COUNT), weights, 0.5, np.full(COUNT, 0.01), weights)
    return Verifier(linear, np.zeros(0, np.float32), None, 0.0, 0)


@pytest.fixture(scope="module")
def learned():
    """A verifier with trees and hashed words."""
    draw = random.Random(1)
    made = [worked(draw) for _ in range(220)]
    outcomes = [Judged(read_answer(one.question, one.answer), float(one.right)) for one in made]
    return refit(_cold(), outcomes)


def test_a_calculation_that_is_wrong_lowers_it():
    """The prior's weight is heeded."""
    right, _ = _cold().judged(read_answer("What is 2 + 2?", "2 + 2 = 4"))
    wrong, _ = _cold().judged(read_answer("What is 2 + 2?", "2 + 2 = 5"))
    assert right > wrong


def test_many_are_judged_as_one_is(learned):
    """A batch gives what single calls give."""
    draw = random.Random(3)
    features = [read_answer(one.question, one.answer) for one in (worked(draw) for _ in range(5))]
    good, unsure = learned.judged_all(features)
    for place, one in enumerate(features):
        assert learned.judged(one) == pytest.approx((good[place], unsure[place]))
    assert learned.judged_all([])[0].shape == (0,)


def test_bytes_there_and_back(learned):
    """The same bytes again, and the same judgement."""
    again = Verifier.from_bytes(learned.to_bytes())
    assert again.to_bytes() == learned.to_bytes()
    features = read_answer("What is 2 + 2?", "2 + 2 = 5")
    assert again.judged(features) == pytest.approx(learned.judged(features), abs=1e-5)
    assert learned.trees is not None
    assert len(learned.hashed)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(content):
    """Nothing but a verifier's bytes is taken for one."""
    with pytest.raises(BadState):
        Verifier.from_bytes(content)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("mean", np.zeros(3)),
        ("scale", np.zeros(COUNT)),
        ("weights", np.full(COUNT, np.nan)),
        ("variance", np.full(COUNT, -1.0)),
        ("numbers", np.zeros(4)),
        ("hashed", np.zeros(7, np.float32)),
        ("prior", np.zeros((COUNT, 2))),
    ],
)
def test_arrays_out_of_bounds_are_refused(learned, name, array):
    """Well-formed state with impossible numbers, or of other features, is refused with what to do."""
    with pytest.raises(BadState, match="refit"):
        Verifier.from_bytes(pack({**unpack(learned.to_bytes()), name: array}))


@given(st.lists(st.floats(-1e6, 1e6), min_size=COUNT, max_size=COUNT))
@settings(max_examples=50, deadline=None)
def test_a_probability_is_one_whatever_the_features(hand):
    """Between 0 and 1, its deviation at most a half."""
    features = replace(read_answer("", ""), hand=np.array(hand, np.float32))
    good, unsure = _cold().judged(features)
    assert 0 <= good <= 1
    assert 0 <= unsure <= 0.5
