"""How sure a model was: floors of log-probabilities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfenced.evaluate.confidence import confidence, filtered, measures
from ringfenced.model import FinishReason

LOGPROBS = st.lists(st.floats(-20, 0), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("lowest", "floor", "score"), [(-0.5, -1.0, 1.0), (-1.0, -1.0, 1.0), (-4.0, -1.0, 0.25), (-1.0, 0.0, 0.0)]
)
def test_an_unsure_answer_scores_by_how_near_it_came(lowest, floor, score):
    assert confidence(least=floor)(case("x", logprob_min=lowest)).score == pytest.approx(score)


def test_the_reason_gives_both_numbers():
    reason = confidence(least=-1.0)(case("x", logprob_min=-2.345)).reason
    assert reason == "its least certain token had log-probability -2.35, the floor is -1.00"


def test_there_is_nothing_to_say_without_numbers():
    """A provider gives none, and an engine gives only the least unless it is asked."""
    assert confidence(least=-1.0)(case("x")) is None
    assert confidence(mean=-1.0)(case("x", logprob_min=-5.0)) is None


def test_the_lowest_of_several_floors_counts():
    opinion = confidence(least=-10.0, mean=-0.1, tail=-5.0)(case("x", logprobs=[-0.5] * 20))
    assert opinion.score == pytest.approx(0.2)
    assert "mean" in opinion.reason


@given(LOGPROBS)
def test_least_tail_and_mean_stand_in_their_order(logprobs):
    known = measures(case("x", logprobs=logprobs))
    assert known["least"] <= known["tail"] + 1e-9
    assert known["tail"] <= known["mean"] + 1e-9


@given(LOGPROBS, st.floats(-20, 0), st.sampled_from(["least", "mean", "tail"]))
def test_an_answer_is_flawless_exactly_if_it_keeps_its_floor(logprobs, floor, name):
    one = case("x", logprobs=logprobs)
    opinion = confidence(**{name: floor})(one)
    assert 0 <= opinion.score <= 1
    assert (opinion.reason == "") == (measures(one)[name] >= floor)


def test_a_filtered_answer_falls_short():
    assert filtered(case("x", reason=FinishReason.CONTENT_FILTER)).score == 0
    assert filtered(case("x", reason=FinishReason.LENGTH)) is None
