"""A recorded decision under another policy: what changes is told, and what does not is the same."""

from __future__ import annotations

from hypothesis import given, settings

from fakes.policies import OFFERS, asked, book, policies, requests
from ringfence.labels import Label
from ringfenced.inputs import Circumstances, Inputs, configured
from ringfenced.policy.compare import Outcome, compare

ALL = '@id("all") permit(principal, action, resource);'
STAY = '@id("stay") forbid(principal, action, resource) when { resource.kind == "provider" };'
SITE = '@id("away") forbid(principal, action, resource) when { resource.kind == "local" };'
PUBLIC = asked(label=Label(), label_deidentified=Label(), lowered=False)


def recorded(*texts, request=PUBLIC):
    rulings = book(*texts).rulings(request, OFFERS)
    return Inputs(request, OFFERS, configured(OFFERS), rulings, Circumstances(10**12, None))


def test_the_same_policy_changes_nothing():
    change = compare(recorded(ALL), book(ALL))
    assert (change.outcome, change.closed, change.opened) == (Outcome.SAME, (), ())


def test_what_a_new_policy_closes_is_told_with_its_policies():
    change = compare(recorded(ALL), book(ALL, STAY))
    assert change.outcome is Outcome.NARROWER
    assert change.closed == ("acme/fast", "acme/large", "globex/huge", "globex/odd")
    assert change.policies == ("stay",)


def test_what_it_opens_is_told():
    change = compare(recorded(ALL, STAY), book(ALL))
    assert (change.outcome, change.opened[0]) == (Outcome.WIDER, "acme/fast")


def test_a_request_that_runs_elsewhere_or_nowhere_is_told():
    moved = compare(recorded(ALL), book(ALL, SITE))
    assert moved.outcome is Outcome.ELSEWHERE
    assert moved.before.startswith("local:")
    assert "/" in moved.after
    assert compare(recorded(ALL), book(ALL, STAY, SITE)).outcome is Outcome.REFUSED
    assert compare(recorded(ALL, STAY, SITE), book(ALL)).outcome is Outcome.SERVED


@settings(max_examples=40)
@given(policies(), policies(effects=("forbid",), size_max=3), requests())
def test_a_forbid_more_opens_and_serves_nothing(text, forbids, request):
    change = compare(recorded(text, request=request), book(text, forbids))
    assert change.opened == ()
    assert change.outcome in {Outcome.SAME, Outcome.NARROWER, Outcome.REFUSED, Outcome.ELSEWHERE}
