"""A prompt is taken apart into its last question and what can be chosen."""

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.question import CHOICES_MAX, question_of

SHOT = "Is ice cold?\nA) yes\nB) no\nAnswer:\nA\n\n"


def test_choices_are_parted_from_the_stem():
    """Letters at the beginning of lines mark them."""
    asked = question_of("What is it?\nA. a bird\nB. a plane\nAnswer:")
    assert asked.stem == "What is it?"
    assert asked.choices == ("a bird", "a plane")
    assert asked.examples == 0


def test_examples_before_the_question_are_left_out():
    """A few-shot prompt is judged by what it asks, not by its examples."""
    asked = question_of(SHOT * 3 + "Is fire hot?\nA) no\nB) yes\nAnswer:")
    assert asked.stem == "Is fire hot?"
    assert asked.choices == ("no", "yes")
    assert asked.examples == 3


def test_an_open_question_has_no_choices():
    """One letter at a line's beginning is none."""
    assert question_of("Explain plan B.\nA. is gone").choices == ()
    assert question_of("Explain.").choice_form() == [0.0] * 12


@given(st.text(alphabet="ABCD.)\n x:Answer?", max_size=300))
def test_any_text_is_taken_apart(text):
    """Whatever comes, there are at most so many choices, and twelve numbers on them."""
    asked = question_of(text)
    assert len(asked.choices) <= CHOICES_MAX
    assert len(asked.choice_form()) == 12
