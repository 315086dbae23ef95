"""What a decision says of itself."""

from __future__ import annotations

from ringfence.labels import PUBLIC
from ringfenced.model import Candidate, Decision, Estimate, Target, TargetKind


def rung(model, most):
    return Candidate(Target(TargetKind.LOCAL, model), Estimate(1, most, 1, 0.5, 1, 1), True, "chosen", "", False)


def test_the_first_rung_is_the_target_and_all_rungs_are_held_for():
    decision = Decision(PUBLIC, (rung("small", 30), rung("large", 500)), (), "")
    assert decision.target == Target(TargetKind.LOCAL, "small")
    assert decision.cost_microcredits_max() == 530


def test_without_a_rung_nothing_is_the_target_and_nothing_is_held():
    decision = Decision(PUBLIC, (), (), "")
    assert decision.target is None
    assert decision.cost_microcredits_max() == 0
