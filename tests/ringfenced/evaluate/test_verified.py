"""What was learned, asked of an answer."""

from fakes.cases import case
from ringfenced.evaluate.verified import nothing_learned, verified
from ringfenced.model import ToolCall


def test_the_probability_is_the_score():
    asked = []
    evaluate = verified(lambda question, answer: asked.append((question, answer)) or 0.25)
    opinion = evaluate(case("secret", "why?"))
    assert (opinion.score, asked) == (0.25, [("why?", "secret")])
    assert opinion.reason == "answers like it are good with a probability of 0.25"


def test_who_learned_nothing_and_who_has_no_text_has_nothing_to_say():
    assert nothing_learned(case("x")) is None
    assert verified(lambda *_: 0.5)(case(" ", calls=[ToolCall("1", "f", "{}")])) is None
