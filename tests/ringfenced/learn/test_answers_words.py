"""Length, wording and repetition."""

from ringfenced.learn.answers_words import NAMES, measured, words_of


def _named(question, answer):
    return dict(zip(NAMES, measured(question, answer, words_of(answer)), strict=True))


def test_hedges_and_refusals_are_counted():
    """Doubt and refusal show, plain statements have neither."""
    doubt = _named("Why?", "I am sorry, it is unclear, perhaps it could be the wind.")
    plain = _named("Why?", "It is the wind.")
    assert doubt["hedges"] > plain["hedges"] == 0
    assert doubt["refusals"] > plain["refusals"] == 0


def test_repetition_shows():
    """A line said again and again is told from three different ones."""
    same = _named("Why?", "The wind did it again.\n" * 5)
    other = _named("Why?", "The wind did it again.\nThen rain came over us.\nNobody was left outside.\n")
    assert same["repeated_lines"] > 0.7 > other["repeated_lines"] == 0
    assert same["repeated_run"] > other["repeated_run"]


def test_an_answer_that_ends_in_the_middle_shows():
    """No mark at the end: it was cut off, or nothing was said at all."""
    assert _named("Why?", "Because the wind was so")["ends_open"] == 1
    assert _named("Why?", "Because of the wind.")["ends_open"] == 0
    assert _named("Why?", "  ")["empty"] == 1


def test_words_of_the_question_come_back():
    """An answer to the question uses its words; one to another question does not."""
    question = "How many elephants crossed the river?"
    assert _named(question, "Six elephants crossed the river.")["asked_words_back"] > 0.7
    assert _named(question, "It was Tuesday.")["asked_words_back"] == 0
