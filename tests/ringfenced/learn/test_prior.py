"""The shipped prior: small, readable, and no surer than it may be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.features import read
from ringfenced.learn.outcome import BadState
from ringfenced.learn.packed import pack, unpack
from ringfenced.learn.prior import PRIOR, SAID, Prior, believed


@pytest.fixture(scope="module")
def prior():
    return Prior.from_bytes(PRIOR.read_bytes())


def said(prior, text):
    seen = read(text)
    return prior.said(seen.hand, seen.grams, seen.weight)


def test_it_is_small():
    """Under a megabyte, as everything that a wheel carries should be."""
    assert PRIOR.stat().st_size < 1 << 20


@given(st.text(max_size=300))
def test_it_says_something_sane_of_any_text(text):
    """Chances between the bounds, finite log-odds."""
    told = said(Prior.from_bytes(PRIOR.read_bytes()), text) if not text else said(_PRIOR, text)
    assert len(told) == SAID
    assert ((told[:6] >= 0.02 - 1e-6) & (told[:6] <= 0.98 + 1e-6)).all()
    assert np.isfinite(told).all()


_PRIOR = Prior.from_bytes(PRIOR.read_bytes())


def test_a_hard_question_looks_harder_than_an_easy_one(prior):
    """For the weak model above all."""
    easy = "Which animal barks?\nA. a dog\nB. a cat\nC. a fish\nD. a cow\nAnswer:"
    hard = "Let p = (1, 2, 5, 4)(2, 3) in S_5. Find the index of <p> in S_5.\nA. 8\nB. 2\nC. 24\nD. 120\nAnswer:"
    assert said(prior, easy)[-2] > said(prior, hard)[-2] + 0.5


def test_one_prompt_and_many_are_told_the_same(prior):
    """The way for a request and the way for an evaluation agree."""
    seen = [read("Why is the sky blue?"), read("Compute 12 * 14.")]
    voices = np.array([prior.worded(each.grams, each.weight) for each in seen])
    both = prior.all_said(np.array([each.hand for each in seen]), voices)
    for row, each in zip(both, seen, strict=True):
        assert prior.said(each.hand, each.grams, each.weight) == pytest.approx(row)


def test_its_bytes_come_back(prior):
    """To the precision in which words are kept."""
    again = Prior.from_bytes(prior.to_bytes())
    assert said(again, "What is a kidney?") == pytest.approx(said(prior, "What is a kidney?"), abs=0.01)


def test_a_prior_for_other_features_is_refused(prior):
    """By shape, with what to do."""
    arrays = unpack(PRIOR.read_bytes())
    with pytest.raises(BadState, match="install"):
        Prior.from_bytes(pack(arrays | {"mean": arrays["mean"][:-1]}))
    with pytest.raises(BadState, match="install"):
        Prior.from_bytes(pack({}))
    with pytest.raises(BadState, match="other features"):
        prior.all_said(np.zeros((1, 3), np.float32), np.zeros((1, 2)))


def test_a_model_keeps_its_place_without_a_word_of_the_prior():
    """Zeros add nothing: configured quality is what is believed."""
    base, moved = believed(np.zeros((1, SAID)), np.array([0.3, 0.8]))
    assert 1 / (1 + np.exp(-base[0])) == pytest.approx([0.3, 0.8])
    assert not moved.any()


def test_difficulty_moves_the_weak_by_the_weaks_and_the_strong_by_the_strongs():
    """Between them by both."""
    told = np.zeros((1, SAID))
    told[0, -2:] = -1.0, -0.2
    _, moved = believed(told, np.array([0.5, 0.75, 0.95]))
    weak, middle, strong = moved[0]
    assert weak < middle < strong < 0
