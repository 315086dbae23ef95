"""Where an answer's numbers come from."""

import pytest

from ringfenced.evaluate.arithmetic import calculations
from ringfenced.learn.answers_ending import Known
from ringfenced.learn.answers_numbers import NAMES, has_numbers, known_of, measured


def _named(question, answer):
    return dict(zip(NAMES, measured(question, answer, known_of(question), calculations(answer)), strict=True))


def test_numbers_in_words_are_known():
    """A dozen and a half are numbers of the question too."""
    known = known_of("She has 5 and a dozen, half away.")
    words = frozenset({"she", "has", "and", "a", "dozen", "half", "away"})
    assert known == Known((5.0,), (12.0, 0.5), words)


def test_an_operand_from_nowhere_shows():
    """Numbers of the question, results of steps before and usual constants are no surprise; others are."""
    question = "He works 6 hours a day for $13 an hour. How much in a week?"
    assert _named(question, "6 * 13 = 78\n78 * 7 = 546")["share_invented"] == 0
    assert _named(question, "6 * 14 = 84\n84 * 7 = 588")["share_invented"] > 0


def test_a_result_that_nobody_uses_shows():
    """Each step but the last should be taken up later."""
    question = "Add 1 and 2, then 3."
    assert _named(question, "1 + 2 = 3\n3 + 3 = 6")["results_unused"] == 0
    assert _named(question, "1 + 2 = 3\n8 + 1 = 9")["results_unused"] == 1


@pytest.mark.parametrize(
    ("question", "answer", "feature"),
    [
        ("He spent 3 of 9. What is left?", "9 + 3 = 12", "minus_missing"),
        ("Two boxes of 5 each?", "2 + 5 = 7", "times_missing"),
        ("10 split equally by 2?", "10 - 2 = 8", "divide_missing"),
        ("20 percent of 50?", "50 - 20 = 30", "percent_missing"),
    ],
)
def test_an_operation_that_the_question_asks_for_and_nobody_made_shows(question, answer, feature):
    """Words of difference, product, quotient and percentage without such a step."""
    assert _named(question, answer)[feature] == 1


def test_a_question_has_numbers_or_asks_for_one():
    """Digits, or words that ask how many."""
    assert has_numbers("How many are there?")
    assert has_numbers("Add 3.")
    assert not has_numbers("Who was it?")
