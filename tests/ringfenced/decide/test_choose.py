"""What is taken of what is open: worth less cost, a ladder where it is worth more, now and then one to learn of."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fakes.asked import PLAIN
from fakes.decisions import inputs
from ringfence import reasons
from ringfence.labels import Level, may_leave
from ringfenced.decide import decide
from ringfenced.decide.choose import BOUND_DEVIATIONS, FALLBACKS_MAX, limits_of
from ringfenced.decide.ladder import HULL_MAX, Limits, Rung, best_ladder, expected, thinned
from ringfenced.decide.record import Recorded, RecordEncoder, records_of
from ringfenced.inputs import Circumstances, Inputs, Ruling, configured, unruled
from ringfenced.model import Offer, Permission, Target, TargetKind

ASKED = replace(PLAIN, needs=frozenset(), prompt_chars=300, tokens_max=512)


def offer(name, quality, price, **changes):
    """A local target; its run costs some `price` microcredits."""
    base = Offer(Target(TargetKind.LOCAL, name), True, "", quality, 8192, 0, price * 1000 // 256, 50, 1)
    return replace(base, **changes)


def given_(*offers, asked=None, explore=0.0, worth=0.0, uncertainty=None, **circumstances):
    """Inputs of these offers."""
    rating = replace(configured(offers), explore=explore, good_answer_microcredits=worth)
    if uncertainty is not None:
        rating = replace(rating, uncertainty=uncertainty, learned=(True,) * len(offers))
    moment = {"wallet_microcredits": 10**9, "time_left_ms": None, **circumstances}
    return Inputs(asked or ASKED, offers, rating, unruled(offers, "d"), Circumstances(**moment))


def taken(decision):
    return [candidate.target.model for candidate in decision.ladder]


CHEAP, GOOD = offer("cheap", 0.6, 100), offer("good", 0.9, 1000)
JUDGED = replace(CHEAP, evaluators=("regex",))
LADDER = replace(ASKED, permission=Permission(ladder_length_max=2))


# ── one target ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_better_target_is_taken_where_the_gain_is_worth_its_cost():
    """Three tenths more of 4,000 are worth 1,200 and cost 900."""
    assert taken(decide(given_(CHEAP, GOOD, worth=2000))) == ["cheap"]
    decision = decide(given_(CHEAP, GOOD, worth=4000))
    assert taken(decision) == ["good"]
    assert decision.ladder[0].reason == reasons.WORTH_MOST
    assert decision.refused[0].reason == "local:good is worth more for its cost, or sooner"


def test_time_costs_nothing_unless_it_misses_the_deadline():
    slow = replace(CHEAP, first_token_ms=5000)
    assert taken(decide(given_(slow, GOOD))) == ["cheap"]
    assert taken(decide(given_(slow, GOOD, time_left_ms=3000))) == ["good"]


def test_of_two_that_are_worth_the_same_the_sooner_is_taken():
    assert taken(decide(given_(replace(CHEAP, first_token_ms=90), replace(CHEAP, target=GOOD.target)))) == ["good"]


def test_a_named_model_is_taken_whatever_else_is_worth():
    assert taken(decide(given_(CHEAP, GOOD, asked=replace(ASKED, model="good")))) == ["good"]


def test_the_conversation_stays_where_its_prefix_was_read():
    """What is cached costs less there, and takes no time; what may be held does not count on it."""
    long = replace(ASKED, prompt_chars=30_000)
    there = offer("there", 0.6, 100, prompt_microcredits_per_1k_tokens=500, cached_prompt_microcredits_per_1k_tokens=50)
    other = offer("other", 0.6, 90, prompt_microcredits_per_1k_tokens=450)
    assert taken(decide(given_(there, other, asked=long))) == ["other"]
    stays = decide(given_(there, other, asked=long, last=there.target, cached_chars=27_000))
    assert taken(stays) == ["there"]
    moves = decide(given_(there, other, asked=long))
    held = {one.target: one.estimate.cost_microcredits_max for one in (*moves.ladder, *moves.refused)}
    assert stays.cost_microcredits_max() == held[there.target]


def test_equal_prices_stay_for_the_time_that_a_cached_prefix_saves():
    long = replace(ASKED, prompt_chars=30_000)
    first, second = replace(CHEAP, prompt_token_ms=1), replace(CHEAP, target=GOOD.target, prompt_token_ms=1)
    assert taken(decide(given_(first, second, asked=long, last=second.target, cached_chars=3000))) == ["good"]


# ── the ladder ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cheap_first_where_it_is_expected_to_pay():
    """A try that succeeds in six of ten costs 100 and saves 600 of 1,000."""
    asked = replace(LADDER, quality_min=0.9)
    decision = decide(given_(JUDGED, GOOD, asked=asked))
    assert taken(decision) == ["cheap", "good"]
    assert decision.expected.cost_microcredits == round(100 + 0.4 * 1000)
    assert decision.expected.quality == 0.9
    assert decision.expected.cost_microcredits_max == decision.cost_microcredits_max()


def test_no_try_where_it_would_seldom_succeed():
    """One that succeeds in one of twenty costs 100 and saves 50."""
    asked = replace(LADDER, quality_min=0.9)
    assert taken(decide(given_(replace(JUDGED, quality=0.05), GOOD, asked=asked))) == ["good"]


def test_a_rung_is_added_only_where_its_gain_is_worth_its_cost():
    """Handing up four of ten answers gains 0.3 of them and costs 400."""
    assert taken(decide(given_(JUDGED, GOOD, asked=LADDER, worth=1200))) == ["cheap"]
    assert taken(decide(given_(JUDGED, GOOD, asked=LADDER, worth=1500))) == ["cheap", "good"]


def test_each_rung_leaves_the_time_that_those_above_it_need():
    decision = decide(given_(JUDGED, GOOD, asked=LADDER, worth=1500, time_left_ms=1000))
    assert [rung.leave_ms for rung in decision.ladder] == [decision.ladder[1].estimate.latency_ms, 0]


def test_of_three_rungs_the_first_leaves_the_time_of_both_others():
    three = (JUDGED, replace(GOOD, evaluators=("x",)), offer("best", 0.99, 3000))
    asked = replace(ASKED, permission=Permission(ladder_length_max=3))
    first, second, third = decide(given_(*three, asked=asked, worth=100_000)).ladder
    assert first.leave_ms == second.estimate.latency_ms + third.estimate.latency_ms
    assert (second.leave_ms, third.leave_ms) == (third.estimate.latency_ms, 0)


def test_a_ladder_that_does_not_fit_the_time_left_is_shortened():
    both = sum(rung.estimate.latency_ms for rung in decide(given_(JUDGED, GOOD, asked=LADDER, worth=1500)).ladder)
    assert len(decide(given_(JUDGED, GOOD, asked=LADDER, worth=1500, time_left_ms=both)).ladder) == 2
    assert len(decide(given_(JUDGED, GOOD, asked=LADDER, worth=1500, time_left_ms=both - 1)).ladder) == 1


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 2000), st.booleans()),
        min_size=1,
        max_size=5,
        unique_by=lambda x: x[0],
    ),
    st.sampled_from([0.0, 500.0, 3000.0, 1e6]),
    st.floats(0, 1),
    st.integers(2, 4),
)
def test_no_ladder_is_worth_more_than_the_one_that_is_found(rows, worth, quality_min, length_max):
    """Looking at corners alone misses nothing, where neither budget nor time binds."""
    offers = tuple(
        offer(f"m{at}", quality, price, evaluators=("x",) if judged else ())
        for at, (quality, price, judged) in enumerate(rows)
    )
    asked = replace(ASKED, quality_min=quality_min, permission=Permission(ladder_length_max=length_max))
    decision = decide(given_(*offers, asked=asked, worth=worth))
    by_target = {one.target: one for one in (*decision.ladder, *decision.refused)}
    rungs = [
        Rung(at, one.quality, by_target[one.target].estimate.cost_microcredits, 0, 0, bool(one.evaluators))
        for at, one in enumerate(offers)
    ]
    values = [
        worth * several[-1].quality - expected(several)[0]
        for length in range(1, length_max + 1)
        for several in itertools.permutations(rungs, length)
        if several[-1].quality >= quality_min
        and all(one.judged for one in several[:-1])
        and all(one.quality < other.quality for one, other in itertools.pairwise(several))
    ]
    assume(values)
    models = taken(decision)
    found = [rungs[int(model[1:])] for model in models]
    if worth:
        assert worth * found[-1].quality - expected(found)[0] == pytest.approx(max(values), abs=1e-6)
    else:  # what the caller's limit adds above the cheapest comes after it
        prefixes = [found[:end] for end in range(1, len(found) + 1) if found[end - 1].quality >= quality_min]
        assert max(-expected(several)[0] for several in prefixes) == pytest.approx(max(values), abs=1e-6)


def test_a_ladder_of_limits_that_nothing_fits_is_none():
    rung = Rung(0, 0.5, 10, 10, 10, judged=True)
    above = Rung(1, 0.9, 10, 10, 10, judged=False)
    assert best_ladder([rung], [above], 0.0, Limits(2, 20, None)) is not None
    assert best_ladder([rung], [above], 0.0, Limits(2, 19, None)) is None
    assert best_ladder([rung], [above], 0.0, Limits(2, 20, 19.0)) is None


def test_of_too_many_corners_both_ends_and_some_between_are_looked_at():
    assert thinned([1, 2, 3]) == [1, 2, 3]
    many = thinned(list(range(100)))
    assert len(many) == HULL_MAX
    assert (many[0], many[-1]) == (0, 99)
    assert many == sorted(set(many))


# ── exploring ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_share_of_requests_tries_what_may_be_better_and_says_how_likely_that_was():
    """Two targets may be worth more than the one that is best; each is tried in half of the share."""
    others = [offer(f"o{at}", 0.5, 100) for at in range(2)]
    some = given_(CHEAP, *others, explore=0.1, worth=10_000, uncertainty=(0.0, 0.2, 0.2))
    seen = {}
    for step in range(1000):
        decision = decide(replace(some, circumstances=replace(some.circumstances, draw=step / 1000)))
        key = (taken(decision)[0], decision.explored)
        seen.setdefault(key, [0, decision.propensity])[0] += 1
    assert seen == {
        ("o0", True): [50, 0.05],
        ("o1", True): [50, 0.05],
        ("cheap", False): [900, 0.9],
    }


def test_the_best_one_says_that_another_is_tried():
    tried = decide(given_(CHEAP, offer("o", 0.5, 100), explore=1.0, worth=10_000, uncertainty=(0.0, 0.3), draw=0.5))
    assert tried.ladder[0].reason == reasons.TRIED
    assert [(one.rule, one.reason) for one in tried.refused] == [
        ("explore", "local:o is tried this time, to learn of it")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"draw": None},
        {"explore": 0.0},
        {"asked": replace(ASKED, model="cheap")},
        {"uncertainty": (0.0, 0.0)},
        {"asked": replace(ASKED, permission=Permission(cost_microcredits_max=250))},
    ],
    ids=["no chance", "no share", "named model", "nothing to learn", "ceiling"],
)
def test_nothing_is_tried_where_it_must_not_be(changes):
    """The other one costs up to 400 and may be as good as 0.9."""
    offers = (replace(CHEAP, quality=0.6), offer("o", 0.5, 200))
    usual = {"explore": 1.0, "worth": 100_000, "uncertainty": (0.0, 0.2), "draw": 0.5}
    assert taken(decide(given_(*offers, **usual))) == ["o"]
    decision = decide(given_(*offers, **{**usual, **changes}))
    assert not decision.explored
    assert decision.propensity == 1.0


def test_what_is_not_expected_to_be_good_enough_is_not_tried():
    """The other one may be as good as 0.9, and may be worth more; chance breaks no promise of quality."""
    some = {"explore": 1.0, "worth": 100_000, "uncertainty": (0.0, 0.2), "draw": 0.5}
    offers = (offer("best", 0.8, 1000), offer("o", 0.5, 10))
    assert taken(decide(given_(*offers, asked=replace(ASKED, quality_min=0.5), **some))) == ["o"]
    assert taken(decide(given_(*offers, asked=replace(ASKED, quality_min=0.6), **some))) == ["best"]


# ── what holds for every decision ────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=300)
@given(inputs())
def test_nothing_that_is_taken_or_stands_by_is_against_a_rule(some):
    """Label, clearance, permission, policy, ceiling, wallet, time and ladder limit, from their own definitions."""
    decision, asked, moment = decide(some), some.asked, some.circumstances
    by_target = {offer.target: offer for offer in some.offers}
    permission = asked.permission
    for one in (*decision.ladder, *decision.fallbacks):
        target, offer_ = one.target, by_target[one.target]
        assert some.rulings.by_target[target].allowed
        assert offer_.available
        assert target not in moment.closed
        assert asked.model in {"", target.model}
        if target.kind is TargetKind.PROVIDER:
            assert not permission.local_only
            assert not permission.providers or target.provider in permission.providers
            assert not permission.regions or target.region in permission.regions
            goes_deidentified = permission.deidentified_egress and may_leave(asked.label_deidentified, offer_.clearance)
            assert may_leave(asked.label, offer_.clearance) or goes_deidentified
            assert asked.label.level is not Level.RESTRICTED or asked.label_deidentified.level < Level.RESTRICTED
            assert one.deidentified == asked.lowered
        for most in (permission.cost_microcredits_max, some.rulings.cost_microcredits_max, moment.wallet_microcredits):
            assert most is None or one.estimate.cost_microcredits_max <= most
    for most in (permission.cost_microcredits_max, some.rulings.cost_microcredits_max, moment.wallet_microcredits):
        assert most is None or decision.cost_microcredits_max() <= most
    if moment.time_left_ms is not None:
        assert sum(rung.estimate.latency_ms for rung in decision.ladder) <= moment.time_left_ms
    for most in (permission.ladder_length_max, some.rulings.ladder_length_max):
        assert most is None or len(decision.ladder) <= max(1, most)
    assert len(decision.fallbacks) <= FALLBACKS_MAX


@settings(max_examples=300)
@given(inputs())
def test_every_offer_is_told_of_once_and_nothing_open_beats_what_is_taken(some):
    """Explanation and decision agree: whoever is refused by cost is worth no more than the best ladder's first."""
    decision = decide(some)
    told = [*decision.ladder, *decision.refused]
    assert sorted(map(repr, (one.target for one in told))) == sorted(map(repr, (one.target for one in some.offers)))
    assert all(one.chosen for one in decision.ladder)
    assert not any(one.chosen for one in decision.refused)
    assert {one.target for one in decision.fallbacks} <= {one.target for one in decision.refused}
    if not decision.ladder:
        assert not {"cost", "explore"} & {one.rule for one in told}
        return
    if decision.explored:
        return
    worth = some.rating.good_answer_microcredits

    def utility(estimate):
        return worth * estimate.quality - estimate.cost_microcredits

    if len(decision.ladder) == 1:
        best = utility(decision.ladder[0].estimate)
        assert all(utility(one.estimate) <= best for one in decision.refused if one.rule == "cost")
        assert decision.ladder[0].estimate.quality >= some.asked.quality_min


@given(inputs())
def test_chance_tries_only_what_would_be_good_enough_at_its_best(some):
    decision = decide(some)
    assert 0 < decision.propensity <= 1
    if decision.explored:
        estimate = decision.ladder[0].estimate
        bound = min(1.0, estimate.quality + BOUND_DEVIATIONS * estimate.quality_uncertainty)
        assert bound >= some.asked.quality_min
        assert not some.asked.model


@given(inputs(), st.data())
def test_what_is_denied_is_never_taken_and_what_was_closed_stays_so(some, data):
    """More denials take targets out and let none in that rules 1 to 7 removed."""
    assume(some.offers)
    barred = data.draw(st.sets(st.sampled_from([offer.target for offer in some.offers])))
    rulings = replace(
        some.rulings,
        by_target={
            target: Ruling(allowed=False, policies=("forbid",)) if target in barred else ruling
            for target, ruling in some.rulings.by_target.items()
        },
    )
    before, after = decide(some), decide(replace(some, rulings=rulings))
    assert not barred & {one.target for one in (*after.ladder, *after.fallbacks)}
    lasting = {"model", "permission", "label", "policy", "ability", "context", "available"}
    closed = {one.target for one in before.refused if one.rule in lasting}
    assert closed <= {one.target for one in after.refused if one.rule in lasting}


@given(inputs())
def test_the_same_inputs_decide_the_same_also_through_the_record(some):
    again = replace(some, offers=tuple(replace(offer) for offer in some.offers))
    lines = RecordEncoder(lambda name: name).lines(Recorded("r", 0, some))
    (read,) = records_of(lines)
    assert decide(some) == decide(again) == decide(read.inputs)


def test_a_decision_is_the_value_that_it_says():
    """What is made when it is read compares, hashes, prints and is replaced as any tuple."""
    some = given_(CHEAP, GOOD)
    one, other = decide(some), decide(some)
    assert len(one.refused) == 1
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(replace(one, refused=tuple(one.refused)))
    assert replace(one, refused=()) != one
    assert one.refused[0] == one.refused[:1][0]


def test_the_limits_are_the_lower_of_the_callers_and_the_policys():
    some = given_(CHEAP, asked=replace(ASKED, permission=Permission(ladder_length_max=3, cost_microcredits_max=50)))
    rulings = replace(some.rulings, ladder_length_max=2, cost_microcredits_max=70)
    assert limits_of(replace(some, rulings=rulings)) == Limits(2, 50, None)
