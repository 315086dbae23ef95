"""How far a request has come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfenced.errors import DeadlineExceeded
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


def test_a_rung_leaves_the_rungs_above_it_their_time():
    way = Way(Request("r", Prompt(()), deadline_s=10.0), 0.0)
    rung = replace(candidate(SMALL), leave_ms=1500)
    assert (way.left_s(8.0), way.left_ms(8.0), way.deadline_ms(rung, 8.0)) == (2.0, 2000.0, 500)
    with pytest.raises(DeadlineExceeded):
        way.deadline_ms(rung, 8.5)


def test_a_request_without_a_deadline_has_all_the_time():
    way = Way(Request("r", Prompt(())), 0.0)
    assert (way.left_s(8.0), way.left_ms(8.0), way.deadline_ms(candidate(SMALL), 8.0)) == (None, None, 0)
