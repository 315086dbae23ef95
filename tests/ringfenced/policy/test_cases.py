"""A site's cases come out as the whole decision does: built-in rules and policy together."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.policies import OFFERS, PHI, asked, book, labels, policies, requests
from ringfence.labels import Label, Level, may_leave
from ringfenced.decide import decide
from ringfenced.inputs import Circumstances, Inputs, configured
from ringfenced.model import Caller, CallerRole, Permission, TargetKind
from ringfenced.policy import Row, cedar
from ringfenced.policy.cases import Case, asked_in, try_case

ALL = '@id("all") permit(principal, action, resource);'
WARD = Caller("spiffe://site/ward", "site", "ward", frozenset({CallerRole.CALLER}), Label(Level.INTERNAL))


def case(**changes):
    base = Case("c", WARD, Label(Level.INTERNAL), "acme", allowed=True)
    return replace(base, **changes)


def tried(made, **changes):
    return try_case(case(**changes), made, OFFERS)


def test_what_is_allowed_passes():
    assert tried(book(ALL)).problem == ""


def test_the_floor_decides_before_the_policy():
    outcome = tried(book(ALL), label=Label(Level.RESTRICTED), allowed=False, rule="label")
    assert (outcome.allowed, outcome.rule, outcome.problem) == (False, "label", "")


def test_a_policy_that_must_have_decided_is_asked_for_by_name():
    made = book(ALL, '@id("stay") forbid(principal, action, resource) when { resource.kind == "provider" };')
    assert tried(made, allowed=False, rule="stay").problem == ""
    assert tried(made, allowed=False, rule="policy").problem == ""
    assert tried(made, allowed=False, rule="other").problem == "decided by stay, not by other"
    assert tried(made).problem == "refused, not allowed"


def test_a_provider_is_open_where_one_of_its_models_is():
    made = book(ALL, 'forbid(principal, action, resource == Model::"acme/large");')
    assert tried(made, to="acme").allowed
    assert not tried(made, to="acme/large").allowed
    assert tried(made, to="site").allowed


def test_a_place_that_is_not_there_is_told():
    assert tried(book(ALL), to="nobody").problem == "there is no nobody here"


def test_what_is_found_goes_out_deidentified_where_the_caller_lets_it():
    label = Label(Level.CONFIDENTIAL, PHI)
    globex = {"label": label, "findings": frozenset({"MRN"}), "to": "globex/huge"}
    assert tried(book(ALL), **globex, deidentified=True).allowed
    assert tried(book(ALL), **globex, deidentified=False).rule == "label"
    assert tried(book(ALL), **globex, deidentified=True, sent=label).rule == "label"


def test_a_case_is_the_request_that_it_stands_for():
    plain = asked_in(case())
    assert (plain.label, plain.label_deidentified, plain.lowered) == (
        Label(Level.INTERNAL),
        Label(Level.INTERNAL),
        False,
    )
    found = asked_in(case(label=Label(Level.CONFIDENTIAL, PHI)))
    assert (found.label_deidentified, found.lowered) == (Label(Level.INTERNAL), True)


def test_a_case_comes_from_its_source_and_from_the_one_that_its_caller_speaks_for():
    """A rule about what comes from the laboratory holds for it, whatever source a request names."""
    speaks = replace(WARD, source="lab")
    made = book(ALL, cedar([Row("lab stays", sources=frozenset({"lab"}), only_site=True)]).text)
    assert asked_in(case(caller=speaks, source="news")).sources == ("lab", "news")
    for source in ("", "lab", "news"):
        assert tried(made, caller=speaks, source=source, allowed=False, rule="lab stays").problem == ""
        assert tried(made, caller=speaks, source=source, to="site").problem == ""
    assert tried(made, source="news").problem == ""


@settings(max_examples=60)
@given(policies(), st.lists(requests(), min_size=1, max_size=3), labels)
def test_whatever_the_policy_says_nothing_goes_where_its_label_may_not(text, several, clearance):
    """The floor stands above the policy: RESTRICTED leaves for nobody."""
    made = book(text)
    offers = tuple(replace(one, clearance=clearance) if one.clearance else one for one in OFFERS)
    for request in several:
        rulings = made.rulings(request, offers)
        decision = decide(Inputs(request, offers, configured(offers), rulings, Circumstances(10**15, None)))
        for rung in decision.ladder:
            assert rulings.by_target[rung.target].allowed
            if rung.target.kind is TargetKind.PROVIDER:
                sent = request.label_deidentified if request.permission.deidentified_egress else request.label
                assert may_leave(request.label, clearance) or may_leave(sent, clearance)


def test_what_stays_restricted_leaves_under_no_policy():
    restricted = Label(Level.RESTRICTED)
    request = asked(label=restricted, label_deidentified=restricted, permission=Permission(deidentified_egress=True))
    offers = tuple(replace(one, clearance=restricted) if one.clearance else one for one in OFFERS)
    rulings = book(ALL).rulings(request, offers)
    decision = decide(Inputs(request, offers, configured(offers), rulings, Circumstances(10**15, None)))
    assert all(rung.target.kind is not TargetKind.PROVIDER for rung in decision.ladder)
    assert {one.rule for one in decision.refused if one.target.provider} == {"label"}
