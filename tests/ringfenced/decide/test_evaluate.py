"""Step 6 hands up what the target itself is unsure of."""

from __future__ import annotations

from dataclasses import replace

from ringfenced.decide.evaluate import falls_short
from ringfenced.model import Finish, FinishReason, Offer, Target, TargetKind, Usage

OFFER = Offer(Target(TargetKind.LOCAL, "tiny"), True, "", 0.5, 1024, 0, 0, 1, 1, logprob_floor=-1.5)


def finish(logprob_min, reason=FinishReason.STOP):
    return Finish(reason, Usage(10, 5, logprob_min=logprob_min))


def test_a_sure_answer_passes():
    assert falls_short(finish(-0.2), OFFER) is None


def test_an_unsure_answer_is_handed_up_with_the_numbers():
    assert falls_short(finish(-2.0), OFFER) == "its least certain token had log-probability -2.00, the floor is -1.50"


def test_without_a_floor_or_log_probabilities_nothing_is_judged():
    assert falls_short(finish(-9.0), replace(OFFER, logprob_floor=None)) is None
    assert falls_short(finish(None), OFFER) is None
    assert not replace(OFFER, logprob_floor=None).is_judged


def test_a_filtered_answer_falls_short():
    assert falls_short(finish(None, FinishReason.CONTENT_FILTER), OFFER)
