"""Who may do what with the daemon: roles are the floor, the policy narrows, and what cannot be evaluated denies."""

from __future__ import annotations

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import PUBLIC
from ringfenced.errors import PermissionDenied
from ringfenced.model import Caller, CallerRole
from ringfenced.policy import PEOPLE, Act, People, PolicyError, Source, everybody, schema_text
from ringfenced.policy.people import GROUPS

NODE = "node-1"
ALL = '@id("all") permit(principal, action, resource);\n'


def person(name, department="it", *roles):
    """Somebody of the site."""
    return Caller(f"spiffe://site/{name}", "site", department, frozenset(roles or CallerRole), PUBLIC)


KNOWN = (person("ana", "it", CallerRole.OPERATOR), person("ben", "ward"), person("eve", "it", CallerRole.AUDITOR))
callers = st.builds(
    person,
    st.sampled_from(["ana", "ben", "eve", "new"]),
    st.sampled_from(["it", "ward"]),
    st.sampled_from(CallerRole),
)


def people(text, known=KNOWN):
    """A policy."""
    return People(Source("/etc/people.cedar", text), NODE, known)


def allowed(policy, caller):
    """What a caller may do."""
    return {act for act in Act if policy.ruling(caller, act).allowed}


principals = st.sampled_from(
    [
        "principal",
        'principal == Caller::"spiffe://site/ana"',
        'principal in Department::"it"',
        'principal in Tenant::"site"',
        'principal == Caller::"spiffe://site/nobody"',
    ]
)
actions = st.sampled_from(
    [
        "action",
        *(f'action in Action::"{name}"' for name in GROUPS),
        *(f'action == Action::"{act}"' for act in Act),
    ]
)
resources = st.sampled_from(
    ["resource", f'resource == Node::"{NODE}"', 'resource == Node::"other"', "resource is Node"]
)
clauses = st.sampled_from(
    [
        "",
        ' when { principal.roles.contains("operator") }',
        ' unless { principal.roles.contains("auditor") }',
        ' when { Caller::"spiffe://site/ana".roles.contains("operator") }',
        ' when { Caller::"spiffe://site/nobody".roles.contains("operator") }',
    ]
)


@st.composite
def policies(draw, effects=("permit", "forbid"), size_max=6, name="p"):
    """Policies that pass the schema."""
    return "".join(
        f'@id("{name}{number}") {draw(st.sampled_from(effects))}({draw(principals)}, {draw(actions)}, '
        f"{draw(resources)}){draw(clauses)};\n"
        for number in range(draw(st.integers(0, size_max)))
    )


def test_the_schema_and_the_acts_name_the_same():
    """Each act is an action of the schema in the groups that are told, and the schema has no others."""
    cedarpy.Schema.from_str(schema_text(PEOPLE))
    for act in Act:
        people(f'permit(principal, action == Action::"{act}", resource);')
    for name, acts in GROUPS.items():
        assert allowed(people(f'permit(principal, action in Action::"{name}", resource);'), KNOWN[0]) == set(acts)
        for act in acts:
            text = f'permit(principal, action == Action::"{act}", resource) when {{ action in Action::"{name}" }};'
            assert not cedarpy.validate_policies(text, schema_text(PEOPLE)).errors
    words = {
        word.strip(",") for line in schema_text(PEOPLE).splitlines() if "appliesTo" in line for word in line.split()
    }
    assert words >= {str(act) for act in Act}
    listed = [line.split(" in [")[0].split(" appliesTo")[0] for line in schema_text(PEOPLE).splitlines()]
    told = {name.strip() for line in listed if line.startswith("action ") for name in line[7:].rstrip(";").split(",")}
    assert told == {str(act) for act in Act} | set(GROUPS)


def test_what_nothing_permits_is_denied():
    assert allowed(people(""), KNOWN[0]) == set()
    with pytest.raises(PermissionDenied, match=r"no policy of people\.cedar permits it") as caught:
        people("").demand(KNOWN[0], Act.PLAN)
    assert caught.value.reason == "policy_forbids"


def test_a_refusal_names_who_what_and_the_policy():
    policy = people(ALL + '@id("two hands") forbid(principal, action in Action::"operate", resource);')
    policy.demand(KNOWN[0], Act.AUDIT)
    with pytest.raises(PermissionDenied) as caught:
        policy.demand(KNOWN[0], Act.ROTATE_KEY)
    assert "spiffe://site/ana may not rotate_key here: forbidden by two hands." in caught.value.message


def test_what_cannot_be_evaluated_denies_and_is_named():
    """Cedar itself would pass over it, and a forbid that is passed over forbids nothing."""
    broken = '@id("odd") forbid(principal, action, resource) when { Caller::"spiffe://no".roles.contains("x") };'
    with pytest.raises(PermissionDenied, match="odd cannot be evaluated"):
        people(ALL + broken).demand(KNOWN[0], Act.LIFT)


@pytest.mark.parametrize(
    "text",
    [
        'permit(principal, action == Action::"generate", resource);',
        'permit(principal, action, resource == Model::"local:small");',
        "permit(principal, action, resource) when { context.level_rank > 1 };",
        "permit(principal, action resource);",
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(text):
    with pytest.raises(PolicyError, match=r"people\.cedar:1:\d+"):
        people(text)


def test_departments_and_roles_are_the_callers_own_not_those_of_the_file():
    """The registry is read at the door: somebody whose role was changed there is judged by it."""
    policy = people('permit(principal, action, resource) when { principal.roles.contains("operator") };')
    assert allowed(policy, KNOWN[0]) == set(Act)
    assert allowed(policy, person("ana", "it", CallerRole.AUDITOR)) == set()


@given(policies(), policies(effects=("forbid",), size_max=3, name="f"), callers)
def test_a_forbid_never_allows_more(some, more, caller):
    assert allowed(people(some + more), caller) <= allowed(people(some), caller)


@given(policies(), callers)
def test_the_outcome_is_cedars_own_and_what_is_broken_denies(text, caller):
    policy = people(text)
    store = [one.json() for one in (policy._known | {e.uid: e for e in everybody([caller])}).values()]
    for act in Act:
        question = {
            "principal": {"type": "Caller", "id": caller.identity},
            "action": {"type": "Action", "id": str(act)},
            "resource": {"type": "Node", "id": NODE},
        }
        answer = cedarpy.is_authorized(question, text, store, schema_text(PEOPLE))
        ruling = policy.ruling(caller, act)
        told = answer.decision is cedarpy.Decision.Allow and not answer.diagnostics.errors
        assert ruling.allowed == told
        assert policy.ruling(caller, act) is ruling


@given(policies(), callers)
def test_nobodys_ruling_depends_on_who_was_asked_about_before(text, caller):
    warm = people(text)
    for one in KNOWN:
        allowed(warm, one)
    assert allowed(warm, caller) == allowed(people(text), caller)
