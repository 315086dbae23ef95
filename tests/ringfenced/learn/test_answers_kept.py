"""What is kept of an answer is counts of its form, and no number or choice of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.answers import NAMES, read_answer
from ringfenced.learn.answers_kept import coarsened, packed, unpacked, without_words
from ringfenced.learn.outcome import BadState, Features

SALT = b"s" * 16


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_is_kept_is_read_back(question, answer):
    features = read_answer(question, answer, salt=SALT)
    kept = unpacked(packed(features))
    assert np.array_equal(kept.hand, coarsened(features).hand)
    assert np.array_equal(kept.index, features.index)
    assert packed(kept) == packed(features)


@given(st.integers(10**3, 10**8 - 1), st.floats(0.9, 1.1))
def test_a_number_is_known_to_an_order_of_magnitude_alone(number, factor):
    """Exact, the logarithm of a record number would be that number: some hundred thousand others must look alike."""
    other = min(10**8 - 1, max(10**3, int(number * factor)))
    while len(str(other)) != len(str(number)) or other % 10 == 0 or number % 10 == 0:
        other, number = 77_120_093, 77_124_751
    question = "Which record is it, of patient {}?"
    one, two = (
        coarsened(read_answer(question.format(n), f"The record is {n}, so the answer is {n}.", salt=SALT)).hand
        for n in (number, other)
    )
    differing = {name for name, a, b in zip(NAMES, one, two, strict=True) if a != b}
    assert not {name for name in differing if "magnitude" not in name and name != "final_over_question"}
    assert all(one[NAMES.index(name)] * 2 == round(one[NAMES.index(name)] * 2) for name in NAMES if "magnitude" in name)


def test_which_choice_an_answer_takes_is_not_kept():
    question = "Which colour?\nA. red\nB. blue\nC. green\nD. grey\nAnswer with a letter."
    one, two = (unpacked(packed(read_answer(question, f"The answer is {letter}.", salt=SALT))) for letter in "BC")
    assert np.array_equal(one.hand, two.hand)


def test_without_words_the_form_alone_is_left():
    features = read_answer("Which ward?", "The patient Quillon goes to ward seven.", salt=SALT)
    assert len(features.index)
    bare = unpacked(without_words(packed(features)))
    assert (len(bare.index), len(bare.weight)) == (0, 0)
    assert np.array_equal(bare.hand, coarsened(features).hand)


@given(st.binary(max_size=200))
def test_nonsense_is_refused(content):
    with pytest.raises(BadState):
        unpacked(content)


@pytest.mark.parametrize("hand", [len(NAMES) - 1, len(NAMES)])
def test_features_of_another_version_or_out_of_bounds_are_refused(hand):
    """A bucket beyond the last would be an index error in a refit."""
    made = Features(np.zeros(hand, np.float32), np.array([1 << 12], np.uint32), np.ones(1, np.float32))
    content = packed(read_answer("a", "b"))[:8] + made.to_bytes()
    with pytest.raises(BadState):
        unpacked(content)
    with pytest.raises(BadState):
        unpacked(b"RFA1" + bytes(4) + packed(read_answer("a", "b"))[8:])
