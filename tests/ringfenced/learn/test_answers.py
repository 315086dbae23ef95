"""Features of answers: the errors of worked answers show, nothing of the text does, and nothing breaks them."""

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.word_problems import ERRORS, worked
from ringfenced.learn.answers import BUCKETS, NAMES, agrees, read_answer

QUESTION = "Janet has 16 eggs. She eats 3 and bakes with 4. She sells the rest for $2 each. How much does she make?"
ANSWER = "She uses 3 + 4 = 7 eggs.\nShe has 16 - 7 = 9 eggs left.\nShe makes 9 * $2 = $18.\nThe answer is $18."


def _named(question, answer):
    return dict(zip(NAMES, map(float, read_answer(question, answer).hand), strict=True))


def _mean(error, feature, count=60):
    draw = random.Random(7)
    made = [worked(draw, error) for _ in range(count)]
    made = [one for one in made if one.error == error]
    return sum(_named(one.question, one.answer)[feature] for one in made) / len(made)


def test_a_worked_answer_is_traced():
    """Its steps hold, its numbers come from the question, and it ends in what the last step gives."""
    named = _named(QUESTION, ANSWER)
    assert named["any_wrong"] == 0
    assert named["share_invented"] == 0
    assert named["share_unused"] == 0
    assert named["final_is_last_result"] == 1
    assert named["final_said"] == 1
    assert named["final_money"] == 1


@pytest.mark.parametrize(
    ("error", "feature", "more"),
    [
        ("slip", "any_wrong", True),
        ("misread", "share_invented", True),
        ("misread", "share_unused", True),
        ("dropped", "share_unused", True),
        ("fraction", "final_fraction_of_count", True),
        ("cut", "final_is_last_result", False),
        ("operation", "results_fractional", True),
    ],
)
def test_each_error_shows_in_its_feature(error, feature, more):
    """An error moves the feature that is meant to show it away from where right answers have it."""
    right, wrong = _mean("", feature), _mean(error, feature)
    assert (wrong > right + 0.05) if more else (wrong < right - 0.3)


def test_every_error_is_tried():
    """The generator makes all that it says it makes."""
    draw = random.Random(1)
    assert {worked(draw, error).error for error in ERRORS for _ in range(5)} >= set(ERRORS)


def test_examples_before_the_question_are_left_out():
    """Of a prompt with worked examples only the last question counts."""
    examples = "Question: What is 900 + 100?\nAnswer: 1000\n\nQuestion: "
    one, other = _named(QUESTION, ANSWER), _named(examples + QUESTION + "\nAnswer:", ANSWER)
    assert one["question_magnitude"] == other["question_magnitude"]
    assert one["share_unused"] == other["share_unused"]


@pytest.mark.parametrize(
    ("question", "cheap", "strong", "same"),
    [
        (QUESTION, ANSWER, "18 dollars", True),
        (QUESTION, ANSWER, "#### 18.00", True),
        (QUESTION, ANSWER, "So she makes $20.", False),
        (QUESTION, "I do not know.", "So she makes $20.", None),
        ("Which?\nA) red\nB) blue\nAnswer:", "The answer is B.", "B", True),
        ("Which?\nA) red\nB) blue\nAnswer:", "A", "B", False),
        ("Which?\nA) red\nB) blue\nAnswer:", "neither", "B", None),
        ("What is the capital of France?", "Paris.", " paris", True),
        ("What is the capital of France?", "Lyon", "Paris", False),
        ("Write a function that adds 2 numbers.", "def f(a, b): return a + b", "def g(x, y): return x + y", None),
        ("Tell me of the sea.", "It is wide. " * 20, "It is deep. " * 20, None),
    ],
)
def test_agreement(question, cheap, strong, same):
    """Numbers, letters and short texts are compared; what cannot be compared says nothing."""
    assert agrees(question, cheap, strong) is same


def test_salts_part_sites():
    """The buckets of one site's words say nothing to another's."""
    one, other = read_answer(QUESTION, ANSWER, salt=b"one"), read_answer(QUESTION, ANSWER, salt=b"other")
    assert set(one.index.tolist()) != set(other.index.tolist())
    assert np.array_equal(one.hand, other.hand)


def test_nothing_of_the_text_is_kept():
    """A canary in question and answer is in no byte of the features."""
    canary = "Kowalczyk-7731"
    content = read_answer(f"Who is {canary}?", f"{canary} is ill. {canary}!", salt=b"site").to_bytes()
    for form in (canary, canary.lower(), canary[::-1]):
        assert form.encode() not in content
        assert form.encode("utf-16-le") not in content


@given(st.text(max_size=300), st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_texts_give_finite_numbers(question, answer):
    """Every pair of texts has all features, each a finite number, and buckets in bounds."""
    features = read_answer(question, answer)
    assert features.hand.shape == (len(NAMES),)
    assert np.isfinite(features.hand).all()
    assert (features.index < BUCKETS).all()


@given(st.text(st.sampled_from("0123456789.,$%-+*=#\\boxed{}() \nAB:"), max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_soup_of_signs_gives_finite_numbers(text):
    """Digits and marks in any order, as question and as answer."""
    assert np.isfinite(read_answer(text, text).hand).all()
    assert agrees(text, text, text) in {True, None}


@pytest.mark.parametrize(
    "text",
    ["(" * 50_000, "9" * 50_000, "```python\n" + "[" * 5_000, "```python\n" + "-" * 7_000 + "1", "{" * 50_000 + " json",
     '"' * 50_000, "a" * 50_000, "1 " * 25_000, "answer " * 8_000, "\\boxed{" * 8_000, "\nQ: 1" * 9_000,
     "```python\n" + "f(" * 60 + ")" * 60, "is " * 17_000, "\n" * 50_000, "```\n" * 12_000],
)  # fmt: skip
def test_hostile_texts_take_no_time(text):
    """Deep brackets, endless numbers and repeated marks neither hang nor fail."""
    begun = time.process_time()
    read_answer(f"Write code, or json: {text}", text)
    agrees(text, text, text[:-1])
    assert time.process_time() - begun < 3
