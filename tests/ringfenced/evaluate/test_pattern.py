"""A site's regular expressions, searched for in answers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfenced.evaluate.pattern import pattern, wrong
from ringfenced.model import ToolCall


@pytest.mark.parametrize(
    ("must", "must_not", "text", "score"),
    [
        (["ICD"], [], "ICD-10", 1),
        (["ICD", r"\d{2}"], [], "ICD", 0),
        ([], ["(?i)todo"], "Todo", 0),
        ([], ["(?i)todo"], "done", 1),
        (["a"], ["b"], "ab", 0),
    ],
)
def test_each_that_must_be_there_is_and_none_that_must_not(must, must_not, text, score):
    assert pattern(must, must_not)(case(text)).score == score


def test_calls_without_text_are_not_judged():
    assert pattern(["a"], [])(case("", calls=[ToolCall("1", "f", "{}")])) is None
    assert pattern(["a"], [])(case("")).score == 0


def test_reasons_count_and_quote_nothing():
    assert pattern(["a", "b"], [])(case("secret")).reason == "2 of 2 expressions that it must have are missing"


@pytest.mark.parametrize("expression", ["(", "(?=a)", r"(a)\1", "a" * 5000, "(a{1,1000}){1,1000}"])
def test_what_is_no_expression_is_told(expression):
    assert wrong(expression)
    assert not wrong("a+")


def test_a_hostile_pair_takes_time_in_proportion():
    started_s = time.process_time()
    assert pattern(["^(a+)+$"], [])(case("a" * 200_000 + "!")).score == 0
    assert time.process_time() - started_s < 5


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_found_is_what_is_in_the_text(needle, text):
    escaped = "".join(rf"\x{{{ord(char):x}}}" for char in needle if char.isprintable())
    plain = "".join(char for char in needle if char.isprintable())
    assert pattern([escaped], [])(case(text + "x")).score == float(plain in text + "x")
