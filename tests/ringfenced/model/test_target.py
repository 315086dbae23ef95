"""Targets and what they offer."""

from __future__ import annotations

import pytest

from ringfenced.model import Offer, Target, TargetKind


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (Target(TargetKind.LOCAL, "tiny"), "local:tiny"),
        (Target(TargetKind.PEER, "tiny", node="node-2"), "peer:tiny"),
        (Target(TargetKind.PROVIDER, "gpt", provider="cloud", region="eu"), "cloud/gpt"),
    ],
)
def test_a_target_is_printed_as_people_write_it(target, written):
    assert str(target) == written


@pytest.mark.parametrize(
    ("judges", "judged"), [({}, False), ({"evaluators": ("dose",)}, True), ({"logprob_floor": -1.0}, True)]
)
def test_answers_are_judged_by_an_evaluator_or_a_floor(judges, judged):
    offer = Offer(Target(TargetKind.LOCAL, "tiny"), True, "", 0.5, 1024, 20, 60, 5.0, 1.0, **judges)
    assert offer.is_judged is judged
