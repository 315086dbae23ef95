"""What the rulebook says is what Cedar says of every target by itself, over all policies; only sooner."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.policies import (
    CALLERS,
    OFFERS,
    PROVIDERS,
    agrees,
    asked,
    book,
    by_cedar,
    offer,
    policies,
    requests,
    ruled,
)
from ringfence.labels import Label, Level
from ringfenced.inputs import Ability
from ringfenced.model import CallerRole
from ringfenced.policy import rulebook
from ringfenced.policy.vocabulary import Entity, Uid

ALL = '@id("all") permit(principal, action, resource);\n'
KNOWN = (
    Entity(
        Uid("Caller", CALLERS[1]),
        (Uid("Department", "research"), Uid("Tenant", "site")),
        {"roles": frozenset({"operator"})},
    ),
)


def assert_as_cedar(text, made, request, offers):
    rulings = made.rulings(request, offers)
    said = by_cedar(text, request, offers, callers=KNOWN)
    for target, one in said.items():
        assert agrees(rulings.by_target[target], one), (str(target), rulings.by_target[target], one, text)


@settings(max_examples=120)
@given(policies(), st.lists(requests(), min_size=1, max_size=4), st.permutations(OFFERS), st.integers(0, len(OFFERS)))
def test_rulings_are_those_of_cedar_over_all_policies_and_targets(text, several, offers, count):
    offers = tuple(offers[:count])
    made = book(text, callers=KNOWN)
    for request in several:
        assert_as_cedar(text, made, request, offers)


@settings(max_examples=30)
@given(policies(size_max=4), st.lists(requests(), min_size=2, max_size=6))
def test_what_is_remembered_and_what_is_forgotten_changes_no_ruling(text, several):
    """Memories of one entry, prepared ahead, and targets that come and go."""
    made = book(text, callers=KNOWN)
    made.prepare(OFFERS, several)
    for request in (*several, *reversed(several)):
        for offers in (OFFERS, OFFERS[2:], (*OFFERS[:3], replace(OFFERS[3], clearance=Label()))):
            assert_as_cedar(text, made, request, offers)


@settings(max_examples=50)
@given(policies(), policies(effects=("forbid",), size_max=3), requests())
def test_adding_a_forbid_never_allows_more(text, forbids, request):
    before = book(text).rulings(request, OFFERS).by_target
    after = book(text, forbids).rulings(request, OFFERS).by_target
    assert not [target for target, ruling in after.items() if ruling.allowed and not before[target].allowed]


def test_without_any_policy_nothing_is_permitted():
    assert set(ruled("").values()) == {False}


def test_a_forbid_outweighs_every_permit_and_is_named():
    made = book(ALL, '@id("stay") forbid(principal, action, resource) when { resource.kind == "provider" };')
    rulings = made.rulings(asked(), OFFERS).by_target
    assert {str(target): ruling.policies for target, ruling in rulings.items() if not ruling.allowed} == dict.fromkeys(
        ("acme/large", "acme/fast", "globex/huge", "globex/odd"), ("stay",)
    )
    assert {ruling.policies for ruling in rulings.values() if ruling.allowed} == {("all",)}


def test_a_policy_that_cannot_be_evaluated_denies_and_is_named():
    made = book(
        ALL, '@id("sum") forbid(principal, action, resource) when { context.tokens_max * 4611686018427387904 > 9 };'
    )
    ruling = made.rulings(asked(tokens_max=4), OFFERS).by_target[OFFERS[0].target]
    assert (ruling.allowed, ruling.policies, ruling.broken) == (False, ("sum",), True)


def test_a_policy_without_a_name_is_named_by_its_place():
    ruling = book("\n\npermit(principal, action, resource);").rulings(asked(), OFFERS).by_target[OFFERS[0].target]
    assert ruling.policies == ("0.cedar:3",)


def test_a_ruling_names_the_first_policies_and_not_thousands():
    text = "".join(f'@id("p{number}") permit(principal, action, resource);\n' for number in range(100))
    ruling = book(text).rulings(asked(), OFFERS).by_target[OFFERS[0].target]
    assert ruling.policies == tuple(f"p{number}" for number in range(rulebook.NAMES_MAX))


@settings(max_examples=50)
@given(policies(), requests())
def test_a_further_source_never_opens_a_target(text, request):
    """What a request that comes from two systems may do, it may do as coming from either (invariant 8)."""
    made = book(text)
    both = made.rulings(replace(request, sources=("lab", "news")), OFFERS).by_target
    for source in ("lab", "news"):
        alone = made.rulings(replace(request, sources=(source,)), OFFERS).by_target
        assert not [target for target, ruling in both.items() if ruling.allowed and not alone[target].allowed]


def test_of_two_sources_each_must_be_permitted_and_neither_forbidden():
    """Each by a policy of its own, or by one that does not look."""
    permits = [
        f'@id("{one}") permit(principal, action, resource) when {{ context.source == "{one}" }};' for one in "ab"
    ]
    forbid = '@id("no b") forbid(principal, action, resource) when { context.source == "b" };'
    request, target = asked(sources=("a", "b")), OFFERS[0].target
    for texts, allowed, policies_ in (
        (permits, True, ("a", "b")),
        (permits[:1], False, ()),
        ([ALL, forbid], False, ("no b",)),
        ([*permits, forbid], False, ("no b",)),
        ([ALL], True, ("all",)),
    ):
        ruling = book(*texts).rulings(request, OFFERS).by_target[target]
        assert (ruling.allowed, ruling.policies) == (allowed, policies_)


def test_sources_are_asked_about_apart_only_where_a_policy_looks(monkeypatch):
    """Most policies do not, and such a request is ruled as any other."""
    calls = []
    real = rulebook.Group.ask
    monkeypatch.setattr(rulebook.Group, "ask", lambda self, values: calls.append(values) or real(self, values))
    both = asked(sources=("a", "b"))
    blind = book(ALL, "forbid(principal, action, resource) when { context.level_rank > 2 };")
    blind.rulings(both, OFFERS)
    assert calls == [(2,)]
    calls.clear()
    looking = book(ALL, 'forbid(principal, action, resource) when { context.source == "b" };')
    first = looking.rulings(both, OFFERS)
    assert calls == [("a",), ("b",)]
    assert looking.rulings(both, OFFERS) is first


def test_embedding_is_an_action_of_its_own():
    text = 'permit(principal, action == Action::"embed", resource);'
    assert set(ruled(text).values()) == {False}
    assert set(ruled(text, asked(needs=frozenset({Ability.EMBEDDINGS}))).values()) == {True}


def test_cedar_is_asked_once_for_requests_that_look_alike(monkeypatch):
    """A field that no policy sees takes no part, and targets that look alike are one question."""
    calls = []
    real = rulebook.Group.ask
    monkeypatch.setattr(rulebook.Group, "ask", lambda self, values: calls.append(values) or real(self, values))
    made = book(ALL, 'forbid(principal, action, resource) when { context.level_rank > 2 && resource.region == "us" };')
    offers = OFFERS + tuple(offer(f"m{number}", "acme") for number in range(200))
    for number in range(50):
        made.rulings(asked(prompt_chars=number, tokens_max=number, caller=f"spiffe://site/{number}"), offers)
    assert calls == [(), (2,)]


def test_offers_whose_measured_times_change_are_the_same_targets(monkeypatch):
    made = book(ALL)
    first = made.rulings(asked(), OFFERS)
    monkeypatch.setattr(rulebook, "Targets", None)  # taking other targets would fail
    later = tuple(replace(one, first_token_ms=one.first_token_ms + 1, available=False) for one in OFFERS)
    assert made.rulings(asked(), later) == first


def test_a_provider_of_which_the_agent_clears_less_is_seen_so():
    text = ALL + "forbid(principal, action, resource) unless { resource.level_rank >= context.level_before_rank };"
    lower = tuple(replace(one, clearance=Label(Level.INTERNAL)) if one.clearance else one for one in OFFERS)
    made = book(text)
    assert made.rulings(asked(), OFFERS).by_target[OFFERS[3].target].allowed
    assert not made.rulings(asked(), lower).by_target[OFFERS[3].target].allowed


def test_roles_are_seen_where_a_policy_looks():
    text = 'permit(principal, action, resource) when { principal.roles.contains("operator") };'
    made = book(text)
    operator = asked(roles=frozenset({CallerRole.OPERATOR}))
    assert not made.rulings(asked(), OFFERS).by_target[OFFERS[0].target].allowed
    assert made.rulings(operator, OFFERS).by_target[OFFERS[0].target].allowed


def test_attributes_of_a_provider_that_is_named_are_the_configuration_s():
    assert PROVIDERS["acme"].contract == "DPA"
    text = 'permit(principal, action, resource) when { Provider::"acme".contract == "DPA" };'
    assert set(ruled(text).values()) == {True}


def test_roles_of_somebody_who_is_named_are_their_own_when_they_ask():
    """By the request's word, whatever was known of them before; of others by the site's."""
    text = f'@id("p") permit(principal, action, resource) when {{ Caller::"{CALLERS[1]}".roles.contains("operator") }};'
    made = book(text, callers=KNOWN)
    for roles in (frozenset({CallerRole.CALLER}), frozenset({CallerRole.OPERATOR}), frozenset({CallerRole.CALLER})):
        for caller in CALLERS:
            assert_as_cedar(text, made, asked(caller=caller, roles=roles), OFFERS)
