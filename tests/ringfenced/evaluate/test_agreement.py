"""Whether answers come to the same."""

import pytest

from fakes.cases import prompt
from ringfenced.evaluate.agreement import same, share
from ringfenced.model import Answer, ToolCall

ASKED = prompt("A box holds 12 apples. How many apples are in 3 boxes?")


def said(text, *calls):
    return Answer(text, tuple(ToolCall(str(n), *call) for n, call in enumerate(calls)))


@pytest.mark.parametrize(
    ("one", "other", "agreed"),
    [
        ("12 × 3 = 36. The answer is 36.", "There are 36 apples.", True),  # noqa: RUF001
        ("The answer is 36.", "The answer is 35.", False),
        ('{"a": 1, "b": [2]}', '{"b": [2], "a": 1.0}', True),
        ('{"a": 1}', '{"a": 2}', False),
    ],
)
def test_final_values_and_documents_are_compared(one, other, agreed):
    assert same(ASKED, said(one), said(other)) is agreed
    assert same(ASKED, said(other), said(one)) is agreed


def test_calls_are_compared_by_name_and_arguments():
    assert same(ASKED, said("", ("f", '{"a": 1}')), said("so", ("f", '{ "a":1 }'))) is True
    assert same(ASKED, said("", ("f", '{"a": 1}')), said("", ("g", '{"a": 1}'))) is False
    assert same(ASKED, said("", ("f", "")), said("36")) is False


def test_prose_cannot_be_told():
    long = "The ward is quiet and the patient sleeps well, as she has for several nights now, without any complaint. "
    assert same(prompt("How is she?"), said(long), said(long + "She eats.")) is None
    assert share(prompt("How is she?"), said(long), [said(long + "She eats.")]) is None


def test_the_share_of_samples_that_agree_is_the_score():
    samples = [said(f"The answer is {number}.") for number in (36, 36, 35, 40)]
    opinion = share(ASKED, said("The answer is 36."), samples)
    assert opinion.score == pytest.approx(0.5)
    assert opinion.reason == "2 of 4 further answers came to something else"
    assert share(ASKED, said("The answer is 36."), samples[:2]).score == 1
