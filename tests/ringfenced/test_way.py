"""How far a request has come."""

from __future__ import annotations

from ringfenced.model import Candidate, Estimate, Prompt, Request, Target, TargetKind
from ringfenced.way import Way

SMALL, LARGE, OTHER = (Target(TargetKind.LOCAL, name) for name in ("small", "large", "other"))


def candidate(target):
    return Candidate(target, Estimate(1, 2, 3, 0.5, 10, 20), True, "chosen", "", False)


def test_each_rung_costs_what_was_added_while_it_ran():
    """One that was only put among those that ran, and never began, cost nothing."""
    way = Way(Request("r", Prompt(())), 0.0)
    way.begin_rung(candidate(SMALL), 1.0)
    way.cost_microcredits = 10
    way.begin_rung(candidate(LARGE), 2.0)
    way.cost_microcredits = 50
    way.ran.insert(-1, OTHER)
    assert [way.cost_of(target) for target in way.ran] == [10, 0, 40]
    way.ran[-2:] = [LARGE, OTHER]  # the one started beside it answered first
    assert way.cost_of(OTHER) == 40
    way.cost_microcredits = 30  # what was held at most
    assert way.cost_of(LARGE) == 20
