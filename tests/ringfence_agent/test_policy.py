"""The agent's Cedar policy: what it permits, and what cannot be read or evaluated permits nothing."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level
from ringfence_agent.policy import EVERYTHING, Facts, Policy, PolicyError, Resource

CLOUD = Resource("cloud", "gpt", "chat", "eu", "DPA", Label(Level.INTERNAL))
FACTS = Facts(
    caller="c-1",
    department="ward",
    provider="cloud",
    model="gpt",
    label=Label(Level.INTERNAL),
    label_before=Label(Level.CONFIDENTIAL, frozenset({Category.PHI})),
    findings=frozenset(),
    findings_before=frozenset({"PERSON"}),
    bytes_out=120,
    cost_microcredits_max=50,
    tools=False,
    pictures=False,
)


def ruling(text, **changes):
    return Policy(text, [CLOUD]).ruling(dataclasses.replace(FACTS, **changes))


def test_without_policies_of_its_own_an_agent_permits_what_is_cleared():
    said = ruling(EVERYTHING)
    assert (said.allowed, said.policies) == (True, ("cleared",))


def test_what_nothing_permits_is_denied():
    said = ruling('permit(principal in Department::"billing", action, resource);')
    assert (said.allowed, said.policies, said.broken) == (False, (), False)


@pytest.mark.parametrize("text", ["", "\n", "// permit(principal, action, resource);"])
def test_a_file_without_a_policy_is_none(text):
    """It would let nothing leave; but whoever means that says so, and whoever lost a file is told."""
    with pytest.raises(PolicyError, match="holds no policy"):
        Policy(text, [CLOUD])
    assert not ruling("forbid(principal, action, resource);").allowed


@pytest.mark.parametrize(
    ("condition", "changes", "allowed"),
    [
        ('principal == Caller::"c-1"', {}, True),
        ('principal == Caller::"c-1"', {"caller": "c-2"}, False),
        ('principal in Department::"ward"', {"department": "ward\n"}, False),
        ('resource in Provider::"cloud"', {}, True),
        ('resource == Model::"cloud/gpt"', {"model": "other"}, False),
        ("context.level_rank <= 2", {}, True),
        ("context.level_rank <= 2", {"label": Label(Level.CONFIDENTIAL)}, False),
        ('!context.categories_before.contains("PHI")', {}, False),
        ('context.findings_before.containsAny(["PERSON"])', {}, True),
        ("context.findings.isEmpty()", {"findings": frozenset({"DATE"})}, False),
        ("context.bytes_out < 100", {}, False),
        ("context.cost_microcredits_max <= 50", {"cost_microcredits_max": 2**70}, False),
        ("context.tools", {"tools": True}, True),
    ],
)
def test_policies_see_who_what_where_and_how_much(condition, changes, allowed):
    assert ruling(f"permit(principal, action, resource) when {{ {condition} }};", **changes).allowed is allowed


def test_policies_see_what_a_provider_is():
    condition = 'resource in Provider::"cloud" && Provider::"cloud".region == "eu"'
    assert ruling(f"permit(principal, action, resource) when {{ {condition} }};").allowed


def test_a_forbid_outweighs_every_permit_and_is_named():
    said = ruling(
        EVERYTHING + '@id("no night work") forbid(principal, action, resource) when { context.bytes_out > 1 };'
    )
    assert (said.allowed, said.policies) == (False, ("no night work",))


def test_a_policy_that_cannot_be_evaluated_denies():
    """Cedar passes over a forbid that overflows; here it forbids."""
    text = EVERYTHING + "forbid(principal, action, resource) when { context.bytes_out * 9223372036854775807 > 1 };"
    said = ruling(text)
    assert (said.allowed, said.broken) == (False, True)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("permit(principal, action, resource)", "not Cedar"),
        ('permit(principal, action == Action::"sned", resource);', "sned"),
        ("permit(principal, action, resource) when { context.nothing };", "nothing"),
        ('permit(principal == Ward::"x", action, resource);', "Ward"),
        ("permit(principal == ?principal, action, resource);", "templates"),
        ("forbid(principal, action, resource);" * 1001, "1000"),
    ],
)
def test_policies_that_do_not_fit_are_refused_with_the_reason(text, word):
    with pytest.raises(PolicyError, match=word):
        Policy(text, [CLOUD])


def test_the_digest_names_the_policies():
    assert Policy(EVERYTHING, [CLOUD]).digest == Policy(EVERYTHING, []).digest
    assert Policy(EVERYTHING, []).digest != Policy("forbid(principal, action, resource);", []).digest


@given(caller=st.text(max_size=20), department=st.text(max_size=20), provider=st.text(max_size=20))
def test_no_name_makes_a_policy_raise_or_passes_for_another(caller, department, provider):
    """Names are values, never Cedar."""
    only = 'permit(principal in Department::"ward", action, resource in Provider::"cloud");'
    said = ruling(only, caller=caller, department=department, provider=provider)
    assert said.allowed is (department == "ward" and provider == "cloud")
