"""A hedge is an open local target beside a local one, and both fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.asked import PLAIN
from ringfence.labels import PUBLIC
from ringfenced.inputs import Circumstances, Inputs, Rating, Rulings
from ringfenced.model import (
    Candidate,
    Decision,
    Estimate,
    Permission,
    Priority,
    Target,
    TargetKind,
)
from ringfenced.schedule.hedge import hedge_of

HOUSE, SPARE = (Target(TargetKind.LOCAL, name) for name in ("house", "spare"))
CLOUD = Target(TargetKind.PROVIDER, "gpt", provider="acme")


def candidate(target, cost=10):
    return Candidate(target, Estimate(cost, cost, 10, 0.5, 1, 1), True, "chosen", "", False)


ASKED = replace(PLAIN, prompt_chars=10)


def found(first=HOUSE, fallbacks=(SPARE,), *, wallet=20, ceiling=None, ruled=None, **changes):
    asked = replace(ASKED, **changes)
    if ceiling is not None:
        asked = replace(asked, permission=Permission(cost_microcredits_max=ceiling))
    inputs = Inputs(
        asked, (), Rating((), (), ()), Rulings({}, "d", cost_microcredits_max=ruled), Circumstances(wallet, None)
    )
    decision = Decision(PUBLIC, (candidate(first),), (), "d", fallbacks=tuple(map(candidate, fallbacks)))
    hedge = hedge_of(inputs, decision, 10)
    return hedge and hedge.target


def test_the_first_local_fallback_is_the_hedge():
    """Providers are passed over: what leaves, leaves once."""
    assert found(fallbacks=(CLOUD, SPARE)) == SPARE
    assert found(fallbacks=(CLOUD,)) is None
    assert found(first=CLOUD) is None


@pytest.mark.parametrize("limit", ["wallet", "ceiling", "ruled"])
def test_both_must_fit(limit):
    """Into the wallet, the caller's ceiling and the policy's."""
    limits = {"wallet": 100, limit: 20}
    assert found(**limits) == SPARE
    assert found(**{**limits, limit: 19}) is None


def test_only_what_somebody_waits_for_is_hedged():
    """And texts are embedded by one model."""
    assert found(priority=Priority.BATCH) is None
    assert found(tokens_max=0) is None
    assert (
        hedge_of(
            Inputs(ASKED, (), Rating((), (), ()), Rulings({}, "d"), Circumstances(9, None)),
            Decision(PUBLIC, (), (), "d"),
            0,
        )
        is None
    )
