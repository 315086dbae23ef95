"""Whoever knows best has the word on an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.verifier_labels import AGREED, AGREED_WEIGHT, BESIDE_WEIGHT, Label, label_of

UNIT = st.none() | st.floats(0, 1)


def test_a_callers_word_comes_before_agreement_and_that_before_an_opinion():
    assert label_of(0.25, 1.0, 0.5) == Label(0.25, 1.0)
    assert label_of(None, 1.0, 0.5) == Label(AGREED[1], AGREED_WEIGHT)
    assert label_of(None, 0.0, 0.5) == Label(AGREED[0], AGREED_WEIGHT)
    assert label_of(None, None, 0.5) == Label(0.5, BESIDE_WEIGHT)
    assert label_of(None, None, None) is None


@given(UNIT, UNIT, UNIT)
def test_a_label_is_a_probability_and_counts_less_than_a_callers_word(feedback, agreed, beside):
    label = label_of(feedback, agreed, beside)
    if label is not None:
        assert 0 <= label.score <= 1
        assert 0 < label.weight <= 1
        assert (label.weight == 1) == (feedback is not None)
