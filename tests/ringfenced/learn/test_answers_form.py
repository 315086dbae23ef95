"""Whether an answer has the form that was asked for."""

import pytest

from ringfenced.learn.answers_form import NAMES, asks_for_code, choice_in, choices_of, measured

CHOICES = "Which is it?\nA) red\nB) blue\nC) green\nAnswer:"


def _named(question, answer):
    return dict(zip(NAMES, measured(question, answer), strict=True))


@pytest.mark.parametrize(
    ("answer", "letter"),
    [("B", "B"), ("B\n", "B"), ("The answer is C.", "C"), ("\\boxed{A}", "A"), ("Option B", "B"),
     ("None of these", None), ("A red one, but the answer is B", "B"), ("E", None)],
)  # fmt: skip
def test_the_chosen_letter(answer, letter):
    """A letter alone, in a box or named as the answer; only letters that were offered count."""
    assert choice_in(answer, choices_of(CHOICES)) == letter


def test_choices_are_those_of_a_list_that_begins_with_a():
    """A single letter, or a list from somewhere in the alphabet, offers nothing."""
    assert choices_of(CHOICES) == "ABC"
    assert choices_of("Why?\nB) so") == ""


@pytest.mark.parametrize(
    ("answer", "parses", "broken"),
    [
        ("```python\ndef f(a):\n    return a\n```", 1, 0),
        ("```python\ndef f(a:\n    return a\n```", 0, 1),
        ("```js\nfunction f(a) { return a }\n```", 0, 0),
        ("[PYTHON]\ndef f(a):\n    return a\n[/PYTHON]", 1, 0),
        ("```python\n" + "(" * 300 + ")" * 300 + "\n```", 0, 0),
    ],
)
def test_code_is_parsed_where_it_is_python(answer, parses, broken):
    """Python is read by its own parser, other languages and what is too deep are not judged."""
    named = _named("Write a function.", answer)
    assert (named["code_parses"], named["code_broken"]) == (parses, broken)


def test_json_is_parsed_where_it_is_asked_for():
    """Whole, or in a fence; broken JSON shows; unasked it is nothing."""
    assert _named("Give JSON.", '```json\n{"a": [1]}\n```')["json_parses"] == 1
    assert _named("Give JSON.", '{"a": [1}')["json_broken"] == 1
    assert _named("Give it.", '{"a": [1}')["json_broken"] == 0


def test_quotations_are_looked_up_in_the_source():
    """A quotation that the question's text holds is told from one that it does not."""
    source = "The report says: the patient was stable overnight. What does it say?"
    assert _named(source, 'It says "the patient was stable overnight".')["quotes_from_source"] == 1
    assert _named(source, 'It says "the patient was unstable today".')["quotes_from_source"] == 0


def test_code_is_asked_for_in_words_or_by_example():
    """The word, or a fence in the question."""
    assert asks_for_code("Write a function to add.")
    assert asks_for_code("Fix this: ```x```")
    assert not asks_for_code("How many eggs?")
