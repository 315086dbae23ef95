"""The shipped verifiers."""

import random
from pathlib import Path

import numpy as np
import pytest

from fakes.word_problems import worked
from ringfenced.learn import verifier_prior
from ringfenced.learn.answers import read_answer
from ringfenced.learn.outcome import BadState
from ringfenced.learn.verifier_fit import refit
from ringfenced.learn.verifier_prior import Prior, question_key

SHIPPED = Path(verifier_prior.__file__).with_name("verifier.bin")


@pytest.fixture(scope="module")
def prior():
    """What ships."""
    return Prior.from_bytes(SHIPPED.read_bytes())


def test_it_ranks_worked_answers_before_any_label(prior):
    """On word problems that it was not trained on, a right answer stands above a wrong one most of the time."""
    draw = random.Random(11)
    made = [worked(draw) for _ in range(400)]
    features = [read_answer(one.question, one.answer) for one in made]
    good, _ = refit(prior.cheap, [], features).judged_all(features)
    right = np.array([one.right for one in made])
    assert (good[right][:, None] > good[~right][None]).mean() > 0.75


def test_bytes_there_and_back(prior):
    """Reading and writing gives the file again."""
    assert prior.to_bytes() == SHIPPED.read_bytes()


@pytest.mark.parametrize(
    "change", [lambda one: one[:-5], lambda one: one + b"x", lambda one: b"", lambda one: b"\0" * 40]
)
def test_other_bytes_are_refused(change):
    """Cut off, longer, or nothing at all."""
    with pytest.raises(BadState):
        Prior.from_bytes(change(SHIPPED.read_bytes()))


def test_a_question_is_told_again_whatever_its_spaces_and_case():
    """The judge must not miss a question that a file writes a little otherwise."""
    assert question_key("What is\n  it?") == question_key("what IS it? ")
    assert question_key("What is it?") != question_key("What is that?")
