"""Whether what an answer comes to follows from its steps, and can be."""

from ringfenced.evaluate.arithmetic import calculations
from ringfenced.learn.answers_ending import NAMES, Known, measured
from ringfenced.learn.answers_final import final_of


def _named(question, answer, given=()):
    known = Known(tuple(given), (), frozenset())
    return dict(zip(NAMES, measured(question, answer, final_of(answer), known, calculations(answer)), strict=True))


def test_an_end_that_follows_and_one_that_does_not():
    """The stated answer is the last result, or it is another number."""
    assert _named("How many?", "3 + 4 = 7\nThe answer is 7.")["final_is_last_result"] == 1
    other = _named("How many?", "3 + 4 = 7\nThe answer is 8.")
    assert other["final_is_last_result"] == 0
    assert other["final_rivals"] > 0


def test_what_cannot_be_shows():
    """A fraction of a count, a negative number, a number that was given."""
    named = _named("How many eggs?", "The answer is 2.5.", [2.5])
    assert named["final_fraction_of_count"] == named["final_fractional"] == named["final_is_given"] == 1
    assert _named("How many eggs?", "The answer is -3.")["final_negative"] == 1


def test_what_was_asked_for_is_named_at_the_end():
    """The answer speaks of what the question asks about."""
    assert _named("How many eggs are left?", "There are 3 eggs.")["asked_noun_back"] == 1
    assert _named("How many eggs are left?", "There are 3 hens.")["asked_noun_back"] == 0


def test_an_answer_that_asks_itself_another_question_shows():
    """Models that go on after the answer invent a next question."""
    assert _named("How many?", "3.\n\nQuestion: And then?")["runs_on"] == 1
    assert _named("How many?", "3.")["runs_on"] == 0


def test_an_answer_without_a_number_has_all_features():
    """Their count does not depend on whether there is a value."""
    assert _named("How many?", "None.")["final_none"] == 1
