"""Whether an answer has the form of one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfenced.evaluate.form import Form, form, repetition
from ringfenced.model import ToolCall

GERMAN = "Die Patientin ist in der Klinik und das Bett ist nicht mit dem der anderen von gestern zu verwechseln."
ENGLISH = "What is the name of the ward that the patient was on, and who was with her at that time?"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m unable to provide medical advice.",  # noqa: RUF001
        "As an AI language model, I do not know.",
        "Es tut mir leid, dabei kann ich nicht helfen.",
        "Je suis désolé, mais non.",
        "Lo siento.",
        "Mi dispiace, non posso.",
    ],
)
def test_a_refusal_falls_short_unless_it_may(text):
    assert form(Form())(case(text)).reason == "it refuses"
    assert form(Form(refuses=True))(case(text)).score == 1


def test_who_speaks_of_a_refusal_later_does_not_refuse():
    assert form(Form())(case("x" * 300 + " The clerk said: I cannot help you.")).score == 1


@pytest.mark.parametrize(
    ("wanted", "score"), [(Form(chars_min=5), 0), (Form(chars_max=3), 0), (Form(chars_min=4, chars_max=4), 1)]
)
def test_length_is_within_its_bounds(wanted, score):
    assert form(wanted)(case("four")).score == score


def test_an_empty_answer_falls_short_and_calls_alone_are_not_judged():
    assert form(Form())(case("  ")).score == 0
    assert form(Form())(case("", calls=[ToolCall("1", "f", "{}")])) is None


def test_a_loop_falls_short():
    assert form(Form())(case("and then the same again and " * 20)).reason.endswith("of it repeats itself")


def test_an_answer_in_another_language_falls_short_where_that_is_clear():
    assert form(Form(language="same"))(case(GERMAN, ENGLISH)).reason == "it is in de, not in en"
    assert form(Form(language="de"))(case(GERMAN, ENGLISH)).score == 1
    assert form(Form(language="same"))(case("42", ENGLISH)).score == 1
    assert form(Form())(case(GERMAN, ENGLISH)).score == 1


@given(st.text())
def test_repetition_is_a_share(text):
    assert 0 <= repetition(text) <= 1


@given(st.lists(st.integers(), min_size=60, max_size=200, unique=True))
def test_what_never_recurs_is_no_repetition(numbers):
    assert repetition(" ".join(map(str, numbers))) == 0


def test_long_texts_take_time_in_proportion():
    started_s = time.process_time()
    form(Form(language="same"))(case("i can't " * 50_000, "the " * 50_000))
    assert time.process_time() - started_s < 10
