"""What was learned, asked of an answer."""

from fakes.cases import case
from ringfenced.evaluate.verified import Seen, nothing_learned, verified
from ringfenced.model import ToolCall


def test_the_probability_is_the_score():
    asked = []
    evaluate = verified(lambda question, answer: asked.append((question, answer)) or Seen(0.25, b"read"))
    opinion = evaluate(case("secret", "why?"))
    assert (opinion.score, opinion.read, asked) == (0.25, b"read", [("why?", "secret")])
    assert opinion.reason == "answers like it are good with a probability of 0.25"


def test_who_learned_nothing_and_who_has_no_text_has_nothing_to_say():
    assert nothing_learned(case("x")) is None
    assert verified(lambda *_: Seen(0.5))(case(" ", calls=[ToolCall("1", "f", "{}")])) is None
