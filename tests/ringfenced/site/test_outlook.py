"""What is measured of the targets, and what a request's end tells of them."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fakes.asked import PLAIN
from ringfence.labels import Label
from ringfenced.errors import ContextExceeded, Overloaded, Refused, Unavailable
from ringfenced.inputs import Ability
from ringfenced.model import (
    Caller,
    CallerRole,
    Candidate,
    Estimate,
    Finish,
    FinishReason,
    Message,
    ModelFacts,
    Offer,
    Prompt,
    Request,
    Role,
    Speed,
    Target,
    TargetKind,
    Text,
    Usage,
)
from ringfenced.schedule.latency import ENOUGH
from ringfenced.schedule.trouble import PATIENT_MS
from ringfenced.site.breakers import Breakers
from ringfenced.site.outlook import FRESH_S, MeasuredOutlook, NothingMeasured
from ringfenced.way import Way

HOUSE = Offer(Target(TargetKind.LOCAL, "house"), True, "", 0.5, 4096, 1, 1, 50.0, 5.0)
CLOUD = Offer(Target(TargetKind.PROVIDER, "gpt", provider="acme", region="eu"), True, "", 0.9, 4096, 1, 1, 500.0, 20.0)
OFFERS = (HOUSE, CLOUD)
DOWN = Unavailable("x", reason="provider_unreachable")


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def made():
    clock = Clock()
    outlook = MeasuredOutlook(Breakers(clock, lambda: 1.0), clock)
    outlook.offers(OFFERS)
    return outlook, clock


def caller(name="a", tenant="one"):
    return Caller(f"spiffe://site/{name}", tenant, "ward", frozenset({CallerRole.CALLER}), Label())


def asked(tenant="one", needs=frozenset({Ability.TEXT})):
    return replace(PLAIN, caller=caller().identity, tenant=tenant, needs=needs, prompt_chars=10)


def rung(offer):
    return Candidate(offer.target, Estimate(1, 1, 1, 0.5, 30, 10), True, "chosen", "", False)


def way(outlook, clock, *, by=None, first_s=None, took_s=1.0, usage=None, embeds=False):
    """A way whose rung began `took_s` ago."""
    request = Request("r", Prompt((Message(Role.USER, (Text("x"),)),), embeds=embeds))
    gone = Way(request, 0.0, caller=by or caller())
    gone.offers = {offer.target: offer for offer in outlook.offers(OFFERS)}
    gone.rung_started_s = clock.now_s - took_s
    gone.rung_first_s = None if first_s is None else gone.rung_started_s + first_s
    gone.finish = None if usage is None else Finish(FinishReason.STOP, usage)
    return gone


def local(prompt_tokens, first_ms, token_ms=3.0, **changes):
    first_us = int(first_ms * 1000)
    return Usage(prompt_tokens, 11, 0, first_us, first_us + int(token_ms * 10_000), **changes)


def answer(outlook, clock, offer, usage, first_s=0.5):
    outlook.ended(way(outlook, clock, first_s=first_s, usage=usage), rung(offer), None)


def fail(outlook, clock, error=DOWN, times=2, **changes):
    for _ in range(times):
        outlook.ended(way(outlook, clock, **changes), rung(CLOUD), error)


def test_measured_times_take_the_place_of_configured_ones():
    """A local engine's by its own clock, by the length of the prompt, what a cache held left out."""
    outlook, clock = made()
    for tokens in range(ENOUGH * 40)[::20]:
        answer(outlook, clock, HOUSE, replace(local(tokens + 7, 10 + 0.5 * tokens), cached_tokens=7))
    clock.now_s += FRESH_S
    measured, cloud = outlook.offers(OFFERS)
    assert (measured.first_token_ms, measured.prompt_token_ms, measured.token_ms) == pytest.approx((10, 0.5, 3.0))
    assert replace(measured, first_token_ms=50.0, prompt_token_ms=0.0, token_ms=5.0) == HOUSE
    assert cloud is CLOUD


def test_a_providers_time_is_what_requests_meet():
    """From the beginning of its rung: de-identification, permit and agent are in it."""
    outlook, clock = made()
    for _ in range(ENOUGH):
        answer(outlook, clock, CLOUD, Usage(0, 11, 0, 200_000, 700_000), first_s=0.8)
    clock.now_s += FRESH_S
    measured = outlook.offers(OFFERS)[1]
    assert (measured.first_token_ms, measured.token_ms) == pytest.approx((800, 50))


def test_what_failed_or_hung_up_is_not_measured():
    """Nor what waited less than the line before it was said to be."""
    outlook, clock = made()
    for _ in range(ENOUGH):
        outlook.ended(way(outlook, clock, first_s=0.5, usage=local(10, 10)), rung(HOUSE), GeneratorExit())
        outlook.ended(way(outlook, clock), rung(HOUSE), None)
    clock.now_s += FRESH_S
    slow = (replace(HOUSE, first_token_ms=1050.0, wait_ms=1000.0), CLOUD)
    outlook.offers(slow)
    gone = way(outlook, clock, first_s=0.5, usage=local(10, 10))
    gone.offers[HOUSE.target] = slow[0]
    for _ in range(ENOUGH):
        outlook.ended(gone, rung(HOUSE), None)
    assert not outlook.measured()


def test_what_is_waited_before_it_works_stays_on_top():
    """Being loaded, and the line before it, are true now; the rest was measured."""
    outlook, clock = made()
    for _ in range(ENOUGH):
        answer(outlook, clock, HOUSE, local(10, 10))
    clock.now_s += FRESH_S
    waiting = (replace(HOUSE, first_token_ms=350.0, wait_ms=300.0), CLOUD)
    assert outlook.offers(waiting)[0].first_token_ms == 310.0


def test_offers_are_the_same_value_until_something_changed_that_counts():
    """A decision compiles them once a change; a change of a few percent is none."""
    outlook, clock = made()
    for _ in range(ENOUGH):
        answer(outlook, clock, HOUSE, local(10, 100))
    clock.now_s += FRESH_S
    first = outlook.offers(OFFERS)
    for _ in range(30):
        answer(outlook, clock, HOUSE, local(10, 102))
    clock.now_s += FRESH_S
    assert outlook.offers(OFFERS) is first
    for _ in range(30):
        answer(outlook, clock, HOUSE, local(10, 200))
    assert outlook.offers(OFFERS) is first  # not fresh for a moment
    clock.now_s += FRESH_S
    assert outlook.offers(OFFERS)[0].first_token_ms == 200.0


def test_a_line_that_changes_all_the_time_makes_no_new_value_each_time():
    """But what is on offer at all is never old."""
    outlook, clock = made()
    clock.now_s += FRESH_S
    first = outlook.offers(OFFERS)
    assert outlook.offers((replace(HOUSE, first_token_ms=90.0, wait_ms=40.0), CLOUD)) is first
    away = (replace(HOUSE, available=False, unavailable_reason="no room"), CLOUD)
    assert outlook.offers(away) == away
    assert outlook.offers((HOUSE,)) == (HOUSE,)


def test_a_provider_that_fails_is_left_alone_and_comes_back(caplog):
    """The tenant's requests are kept away, a trial goes after a while, and its answer opens the way."""
    outlook, clock = made()
    fail(outlook, clock)
    assert "could not be reached" in outlook.closed(asked())[CLOUD.target]
    assert not outlook.closed(replace(asked(), caller=caller("b").identity))
    fail(outlook, clock, by=caller("b"))
    assert outlook.closed(replace(asked(), caller=caller("c").identity))
    assert not outlook.closed(asked(tenant="two"))
    assert not outlook.closed(asked(needs=frozenset({Ability.EMBEDDINGS})))
    with pytest.raises(Unavailable) as caught:
        outlook.begins(way(outlook, clock), rung(CLOUD))
    assert caught.value.reason == "left_alone"
    outlook.begins(way(outlook, clock), rung(HOUSE))
    clock.now_s += 2.0
    outlook.begins(way(outlook, clock), rung(CLOUD))
    answer(outlook, clock, CLOUD, Usage(1, 1))
    assert not outlook.closed(asked())
    assert outlook.opened() == {(CLOUD.target, "unreachable"): 3}  # of two callers, and of their tenant
    assert [record.fields["by"] for record in caplog.records] == ["caller", "tenant", "caller"]


def test_who_hangs_up_after_the_first_token_has_seen_that_it_answers():
    """And who hangs up before it has seen nothing."""
    outlook, clock = made()
    fail(outlook, clock, times=1)
    fail(outlook, clock, GeneratorExit(), times=1)
    fail(outlook, clock, times=1)
    assert outlook.closed(asked())
    other, clock = made()
    fail(other, clock, times=1)
    fail(other, clock, GeneratorExit(), times=1, first_s=0.1)
    fail(other, clock, times=1)
    assert not other.closed(asked())


def test_an_operator_sees_measured_beside_configured_and_what_is_left_alone():
    """Providers by their name, since two may have a model of one name."""
    outlook, clock = made()
    for _ in range(ENOUGH):
        answer(outlook, clock, HOUSE, local(10, 10))
    fail(outlook, clock)
    house = ModelFacts("house", TargetKind.LOCAL, "llama.cpp", "ready", 1, 0.5, 0, 0)
    acme = ModelFacts("gpt", TargetKind.PROVIDER, "acme", "ready", 1, 0.5, 0, 0)
    shown = outlook.with_measured((house, acme, replace(acme, engine="other")))
    assert shown[0].measured == Speed(10.0, 0.0, 3.0, ENOUGH)
    assert [one.closed for one in shown] == [(), ("unreachable for 1 tenant",), ()]


OWN = st.sampled_from(
    [
        Unavailable("x", reason="provider_rejected"),
        Unavailable("x", reason="provider_too_long"),
        Refused("x", reason="agent_refused"),
        ContextExceeded("x"),
        Overloaded("x", reason="agent_quota", suggestions=("quota.caller",), retry_after_ms=10_000),
        Unavailable("x", reason="engine_died"),
        GeneratorExit(),
    ]
)


@given(st.lists(st.tuples(OWN, st.floats(0, 2 * PATIENT_MS / 1000))))
def test_no_sequence_of_a_callers_own_errors_changes_anything(ends):
    """For nobody, itself included."""
    outlook, clock = made()
    for error, took_s in ends:
        fail(outlook, clock, error, times=1, took_s=took_s)
    assert not outlook.closed(asked())
    assert not outlook.left_alone()
    outlook.begins(way(outlook, clock), rung(CLOUD))


def test_who_measures_nothing_closes_nothing():
    """The stand-in of tests lets all through."""
    nothing, (outlook, clock) = NothingMeasured(), made()
    assert nothing.offers(OFFERS) is OFFERS
    assert not nothing.closed(asked())
    nothing.begins(way(outlook, clock), rung(CLOUD))
    nothing.ended(way(outlook, clock), rung(CLOUD), DOWN)
