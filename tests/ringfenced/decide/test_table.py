"""All targets at once come to what one after the other comes to."""

from __future__ import annotations

import weakref
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.decisions import inputs
from fakes.plain_decide import plain_decide
from ringfenced.account import estimate
from ringfenced.decide import decide
from ringfenced.decide.masks import OPEN
from ringfenced.decide.rules import RULES
from ringfenced.decide.table import compiled
from ringfenced.decide.weigh import TABLES_MAX, weigh


@settings(max_examples=400)
@given(inputs())
def test_table_and_plain_reference_decide_and_explain_alike(given_):
    """Ladder, fallbacks, propensity, and every estimate, rule and reason."""
    assert decide(given_) == plain_decide(given_)


@given(inputs())
def test_the_number_of_each_removal_is_that_of_the_first_rule_that_removes(given_):
    weighed = weigh(given_)
    for place, offer in enumerate(given_.offers):
        one = estimate(offer, given_.asked.prompt_chars, given_.asked.tokens_max, inputs=given_.asked.inputs)
        one = replace(one, latency_ms=int(weighed.estimated.latency_ms[place]))
        first = next((at for at, rule in enumerate(RULES, 1) if rule(offer, one, given_)), OPEN)
        assert weighed.removed[place] == first


@given(inputs(offers_max=3), st.sampled_from([2**31, 2**53, 2**62, 2**70]), st.sampled_from([0.0, 1e18, 1e300]))
def test_prices_and_times_beyond_all_bounds_are_reckoned_alike(given_, price, time_ms):
    """Sixty-four bits do not hold every product; no decision goes by one that overflowed."""
    offers = tuple(
        replace(offer, prompt_microcredits_per_1k_tokens=price, first_token_ms=time_ms) for offer in given_.offers
    )
    asked = replace(given_.asked, tokens_max=2**32 - 1)
    changed = replace(given_, offers=offers, asked=asked)
    assert decide(changed) == plain_decide(changed)


@settings(max_examples=10)
@given(inputs(offers_max=3), st.integers(20, 40))
def test_of_tables_that_no_request_holds_any_more_all_but_the_last_few_are_gone_with_what_was_made_of_them(
    given_, count
):
    """Under load measured times make several a second, and one of hundreds of targets has a hundred kilobytes."""
    made = []
    for number in range(count):
        offers = tuple(replace(offer, first_token_ms=float(number)) for offer in given_.offers)
        made.append(weakref.ref(weigh(replace(given_, offers=offers)).table.away))
    assert len({id(away) for table in made if (away := table()) is not None}) <= TABLES_MAX


@settings(max_examples=10)
@given(inputs(offers_max=3))
def test_a_mask_is_made_once_for_each_rulings_and_holds_its_table_for_nobody(given_):
    """A policy gives the same rulings again; another's are not taken for them."""
    table = compiled(given_.offers)
    mask = table.denied.of(given_.rulings.by_target)
    assert table.denied.of(given_.rulings.by_target) is mask
    nobody = table.denied.of({})
    assert nobody is not mask
    assert nobody.all()
