"""A decision counts with what judges cost and take, and nothing else of it depends on that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.asked import PLAIN
from fakes.decisions import NAMES, inputs
from ringfenced.account import estimate
from ringfenced.decide import decide
from ringfenced.decide.choose import limits_of
from ringfenced.inputs import Circumstances, Inputs, Judging, Rulings, configured, unruled
from ringfenced.model import Offer, Permission, Target, TargetKind

SMALL = Offer(Target(TargetKind.LOCAL, "small"), True, "", 0.4, 8192, 100, 100, 100, 1, evaluators=("strict",))
LARGE = Offer(Target(TargetKind.PROVIDER, "large", provider="cloud"), True, "", 0.9, 8192, 1000, 1000, 200, 1)
READER = Offer(Target(TargetKind.LOCAL, "reader"), True, "", 0.1, 8192, 10, 10, 900, 2)
OFFERS = (SMALL, replace(LARGE, clearance=PLAIN.label), READER)
ASKED = replace(PLAIN, prompt_chars=400, tokens_max=200, permission=Permission(ladder_length_max=2), quality_min=0.3)
STRICT = Judging("strict", "reader", 1, 600, 48, 5000.0)
AGAIN = Judging("again", "", 3, 0, 0, 5000.0)


def made(judges=(), *, offers=OFFERS, wallet=10**9, rulings=None, **asked):
    rulings = rulings or unruled(offers, "d")
    return Inputs(
        replace(ASKED, **asked), offers, configured(offers), rulings, Circumstances(wallet, None), judges=judges
    )


def expected(judges=(), **changes):
    decision = decide(made(judges, **changes))
    assert [one.target.model for one in decision.ladder] == ["small", "large"]
    return decision.expected


def test_a_model_that_judges_adds_its_time_and_price_for_each_rung_that_another_stands_above():
    """It reads question and answer; the last rung's is given whatever it says."""
    before, after = expected(), expected((STRICT,))
    usual = estimate(READER, 400 + 600 + 4 * 100, 48)
    most = estimate(READER, 400 + 600 + 4 * 200, 48)
    assert after.cost_microcredits == before.cost_microcredits + usual.cost_microcredits
    assert after.latency_ms == before.latency_ms + usual.latency_ms
    assert after.cost_microcredits_max == before.cost_microcredits_max + most.cost_microcredits_max
    same = ("quality", "prompt_tokens", "completion_tokens")
    assert [getattr(before, name) for name in same] == [getattr(after, name) for name in same]


def test_asking_the_same_model_again_costs_as_many_answers_and_takes_one():
    """They are asked for at the same time; a provider's model is not asked again."""
    offers = (replace(SMALL, evaluators=("again",)), *OFFERS[1:])
    before, after = expected(offers=offers), expected((AGAIN,), offers=offers)
    one = estimate(SMALL, 400, 200)
    assert after.cost_microcredits == before.cost_microcredits + 3 * one.cost_microcredits
    assert after.latency_ms == before.latency_ms + one.latency_ms
    provider = replace(LARGE.target, model="small")
    elsewhere = (replace(offers[0], target=provider, clearance=PLAIN.label), *OFFERS[1:])
    assert expected((AGAIN,), offers=elsewhere) == expected(offers=elsewhere)


def test_a_request_names_judges_too_and_who_is_not_named_is_not_asked():
    plain = (replace(SMALL, evaluators=("other",)), *OFFERS[1:])
    assert expected((STRICT, AGAIN), offers=plain) == expected(offers=plain)
    assert expected((STRICT,), offers=plain, evaluators=("strict",)) == expected((STRICT,))


def test_it_takes_no_longer_than_it_may():
    before, after = expected(), expected((replace(STRICT, timeout_ms=50.0),))
    assert after.latency_ms == before.latency_ms + 50


def test_a_judge_that_the_policy_keeps_from_the_request_or_that_is_not_there_costs_nothing():
    rulings = unruled(OFFERS, "d")
    denied = {target: replace(one, allowed=target != READER.target) for target, one in rulings.by_target.items()}
    assert expected((STRICT,), rulings=Rulings(denied, "d")) == expected()
    assert expected((replace(STRICT, model="gone"),)) == expected()


def test_no_more_is_counted_than_is_left_to_be_held():
    """As step 4 holds it: what ceiling and wallet leave beside the ladder."""
    whole = expected()
    tight = expected((STRICT,), wallet=whole.cost_microcredits_max + 2)
    assert tight.cost_microcredits_max == whole.cost_microcredits_max + 2
    assert tight.cost_microcredits <= whole.cost_microcredits + 2
    assert expected((STRICT,), wallet=whole.cost_microcredits_max).cost_microcredits == whole.cost_microcredits


def test_a_single_rung_is_judged_for_nothing():
    alone = {"permission": Permission(ladder_length_max=1)}
    assert decide(made((STRICT,), **alone)) == decide(made(**alone))


JUDGES = st.lists(
    st.builds(
        Judging,
        name=st.sampled_from(["a", "b", "c"]),
        model=st.sampled_from(["", "gone", *NAMES]),
        samples=st.integers(1, 16),
        chars=st.integers(0, 4000),
        tokens_max=st.integers(0, 64),
        timeout_ms=st.floats(1, 1e5),
    ),
    max_size=3,
    unique_by=lambda judge: judge.name,
)


@given(inputs(), JUDGES)
def test_judges_change_nothing_but_what_is_expected_and_never_for_less(given_, judges):
    """Nor does what they may cost ever exceed ceiling and wallet."""
    asked = replace(given_.asked, evaluators=("a", "b", "c"))
    given_ = replace(given_, asked=asked)
    before, after = decide(given_), decide(replace(given_, judges=tuple(judges)))
    assert replace(after, expected=None, refused=()) == replace(before, expected=None, refused=())
    assert tuple(after.refused) == tuple(before.refused)
    if before.expected is None:
        assert after.expected is None
        return
    assert after.expected.cost_microcredits >= before.expected.cost_microcredits
    assert after.expected.latency_ms >= before.expected.latency_ms
    most = max(before.expected.cost_microcredits_max, limits_of(given_).cost_max)
    assert before.expected.cost_microcredits_max <= after.expected.cost_microcredits_max <= most
    assert after.expected.quality == pytest.approx(before.expected.quality)
