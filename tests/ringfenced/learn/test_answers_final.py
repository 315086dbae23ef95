"""Where a question begins and what an answer comes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.answers_final import final_of, last_number, question_of


@pytest.mark.parametrize(
    ("answer", "value", "how"),
    [
        ("... = 7\n#### 42", 42, "hash"),
        ("The answer is \\boxed{{1,234}}.", 1234, "boxed"),
        ("= \\boxed{{14/20 = 0.7}}", 0.7, "boxed"),
        ("First 3. The final answer is 3.50 dollars", 3.5, "said"),
        ("He pays **$18**", 18, "bold"),
        ("so he has 5 - 3 = 2 apples\n", 2, "so"),
        ("12 apples and\n5 pears", 5, "last"),
        ("the temperature is -4", -4, "last"),
        ("16 - 5", 5, "last"),
        ("no number here", None, "none"),
        ("", None, "none"),
        ("9" * 40, None, "last"),
    ],
)
def test_what_an_answer_comes_to(answer, value, how):
    """The strongest way of stating it decides; of an equation it is what stands after the last equals sign."""
    final = final_of(answer)
    assert (final.value, final.how) == (value, how)


@pytest.mark.parametrize(
    ("prompt", "question"),
    [
        ("What is 2 + 2?", "What is 2 + 2?"),
        ("Question: a?\nAnswer: b\n\nQuestion: c and d?", "c and d?"),
        ("Q: one?\nA: 1\nQ: two?\nA:", "two?\nA:"),
        (
            "One?\nAnswer:\nA\n\nWhich of these is the second one?\nAnswer:",
            "Which of these is the second one?\nAnswer:",
        ),
        ("Context: 5 pens.\n\nQuestion: how many?", "Context: 5 pens.\n\nQuestion: how many?"),
    ],
)
def test_where_a_question_begins(prompt, question):
    """Examples are left out; a context before the only question is not."""
    assert question_of(prompt) == question


@given(
    st.integers(-99_999, 99_999),
    st.sampled_from(["#### {}", "The answer is {}.", "\\boxed{{{}}}", "**{}**", "Thus {}"]),
)
def test_a_stated_number_is_read(number, form):
    """Whatever whole number is stated in a known form is what the answer comes to."""
    assert final_of("We had 3 steps.\n" + form.format(number)).value == number


def test_the_last_number_of_a_text():
    """Grouped digits are one number; too many digits are none."""
    assert last_number("1 and 2,500") == 2500
    assert last_number("x" + "9" * 30) is None
    assert last_number("none") is None
