"""Who may stand in for a rung: only what the decision left open, and ever less of it."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ringfenced.errors import ContextExceeded, DeadlineExceeded, Overloaded, Refused, Unavailable
from ringfenced.model import Candidate, Estimate, Offer, Target, TargetKind
from ringfenced.schedule.standin import Left, stand_in

HOUSE = Target(TargetKind.LOCAL, "house")
LARGE = Target(TargetKind.LOCAL, "large")
CLOUD = Target(TargetKind.PROVIDER, "gpt", provider="acme")
OTHER = Target(TargetKind.PROVIDER, "gpt", provider="other")
TARGETS = (HOUSE, LARGE, CLOUD, OTHER)
CONTEXTS = {HOUSE: 1000, LARGE: 8000, CLOUD: 8000, OTHER: 1000}
OFFERS = {target: Offer(target, True, "", 0.5, CONTEXTS[target], 1, 1, 1.0, 1.0) for target in TARGETS}
DOWN = Unavailable("x", reason="provider_unreachable")
PLENTY = Left(1000, None)


def candidate(target, cost=10, latency_ms=10):
    return Candidate(target, Estimate(cost, cost, latency_ms, 0.5, 1, 1), False, "cost", "", False)


def found(failed, error, *fallbacks, tried=(), closed=(), left=PLENTY, embeds=False):
    chosen = stand_in(
        candidate(failed),
        error,
        [candidate(one) if isinstance(one, Target) else one for one in fallbacks],
        tried={failed, *tried},
        offers=OFFERS,
        closed=closed,
        left=left,
        embeds=embeds,
    )
    return chosen and chosen.target


def test_the_first_that_is_open_and_was_not_tried_stands_in():
    """In the decision's order."""
    assert found(CLOUD, DOWN, OTHER, HOUSE) == OTHER
    assert found(CLOUD, DOWN, OTHER, HOUSE, tried={OTHER}) == HOUSE
    assert found(CLOUD, DOWN, OTHER, HOUSE, closed={OTHER}) == HOUSE
    assert found(CLOUD, DOWN) is None


def test_it_fits_into_the_hold_and_into_the_time():
    """What a rung above needs is not touched: `left` is without it."""
    assert found(CLOUD, DOWN, candidate(OTHER, cost=11), HOUSE, left=Left(10, None)) == HOUSE
    assert found(CLOUD, DOWN, candidate(OTHER, latency_ms=11), HOUSE, left=Left(10, 10.0)) == HOUSE
    assert found(CLOUD, DOWN, OTHER, HOUSE, left=Left(9, None)) is None


@pytest.mark.parametrize(
    "error",
    [
        Refused("x", reason="label"),
        Refused("x", reason="agent_refused"),
        Unavailable("x", reason="agent_unavailable"),
        Unavailable("x", reason="lockdown"),
        Unavailable("x", reason="ledger_failed"),
        Unavailable("x", reason="egress_unproven"),
    ],
    ids=lambda error: error.reason,
)
def test_what_one_door_refused_is_not_tried_at_another(error):
    """What is refused, and what meets a way out that is closed, stays on site."""
    assert found(CLOUD, error, OTHER, HOUSE) == HOUSE
    assert found(CLOUD, error, OTHER) is None


def test_a_quota_of_the_agents_is_no_closed_way_out():
    """Another provider may have room."""
    assert found(CLOUD, Overloaded("x", reason="agent_quota"), OTHER) == OTHER


def test_a_prompt_that_is_too_long_goes_to_a_longer_context():
    """Not to one that is no longer."""
    assert found(HOUSE, ContextExceeded("x"), OTHER, LARGE) == LARGE


def test_who_reads_too_slowly_gets_no_other():
    """It is not the target's fault."""
    assert found(HOUSE, Overloaded("x", reason="slow_reader"), LARGE) is None


def test_texts_are_embedded_by_a_model_of_the_same_name_or_not_at_all():
    """Vectors of two models cannot be compared."""
    assert found(CLOUD, DOWN, HOUSE, OTHER, embeds=True) == OTHER
    assert found(CLOUD, DOWN, HOUSE, embeds=True) is None


ERRORS = (
    DOWN,
    Refused("x"),
    ContextExceeded("x"),
    DeadlineExceeded("x"),
    Overloaded("x"),
    Unavailable("x", reason="engine_died"),
)


@given(
    failed=st.sampled_from(TARGETS),
    error=st.sampled_from(ERRORS),
    fallbacks=st.lists(st.builds(candidate, st.sampled_from(TARGETS), st.integers(0, 50), st.integers(0, 50))),
    tried=st.sets(st.sampled_from(TARGETS)),
    closed=st.sets(st.sampled_from(TARGETS)),
    left=st.builds(Left, st.integers(0, 50), st.none() | st.floats(0, 50)),
    embeds=st.booleans(),
)
def test_the_set_only_shrinks(*, failed, error, fallbacks, tried, closed, left, embeds):
    """Whatever happens, who stands in is one of those left open, untried, open still, within hold and time."""
    chosen = stand_in(
        candidate(failed),
        error,
        fallbacks,
        tried={failed, *tried},
        offers=OFFERS,
        closed=closed,
        left=left,
        embeds=embeds,
    )
    if chosen is not None:
        assert chosen in fallbacks
        assert chosen.target not in {failed, *tried, *closed}
        assert chosen.estimate.cost_microcredits_max <= left.microcredits
        assert left.ms is None or chosen.estimate.latency_ms <= left.ms
        assert chosen.target.kind is not TargetKind.PROVIDER or not isinstance(error, Refused)
