"""Cases about people come out as the daemon would decide them: roles first, then the policy for people."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ringfence.labels import Label
from ringfenced import api
from ringfenced.errors import PermissionDenied
from ringfenced.model import Caller, CallerRole
from ringfenced.policy import Act, People, Source
from ringfenced.policy.acting import ROLES, ActCase, try_act

POLICY = """
@id("all") permit(principal, action, resource);
@id("two hold the keys") forbid(principal, action == Action::"rotate_key", resource)
unless { principal == Caller::"chief" };
@id("the ward sees nothing") forbid(principal in Department::"ward", action in Action::"see", resource);
"""


def caller(name, *roles, department="it"):
    return Caller(name, "site", department, frozenset(roles), Label())


CHIEF = caller("chief", CallerRole.OPERATOR)
OTHER = caller("other", CallerRole.OPERATOR)
WARD = caller("ward-app", CallerRole.CALLER, department="ward")
PEOPLE = People(Source("people.cedar", POLICY), "node-1", (CHIEF, OTHER, WARD))


@pytest.mark.parametrize(
    ("who", "act", "allowed", "by"),
    [
        (CHIEF, Act.ROTATE_KEY, True, "all"),
        (OTHER, Act.ROTATE_KEY, False, "two hold the keys"),
        (OTHER, Act.ROTATE_KEY, False, "policy"),
        (WARD, Act.ROTATE_KEY, False, "role"),
        (WARD, Act.FEEDBACK, True, ""),
        (WARD, Act.SEE_MODELS, False, "the ward sees nothing"),
        (OTHER, Act.AUDIT, False, "role"),
    ],
)
def test_an_act_is_decided_by_roles_and_by_the_policy(who, act, allowed, by):
    tried = try_act(ActCase("", who, act, allowed, by), PEOPLE)
    assert (tried.problem, tried.allowed) == ("", allowed)
    assert bool(tried.reason) == (not allowed)


def test_what_does_not_come_out_as_expected_is_told():
    assert try_act(ActCase("", CHIEF, Act.LIFT, allowed=False), PEOPLE).problem == "allowed, not refused"
    assert try_act(ActCase("", OTHER, Act.ROTATE_KEY, allowed=True), PEOPLE).problem == "refused, not allowed"
    wrong = ActCase("", OTHER, Act.ROTATE_KEY, allowed=False, rule="role")
    assert try_act(wrong, PEOPLE).problem == "decided by two hold the keys, not by role"


def test_without_a_policy_for_people_roles_alone_decide():
    assert try_act(ActCase("", OTHER, Act.ROTATE_KEY, allowed=True), None).problem == ""
    assert try_act(ActCase("", WARD, Act.LIFT, allowed=False, rule="role"), None).problem == ""
    named = ActCase("", OTHER, Act.LIFT, allowed=True, rule="all")
    assert try_act(named, None).problem == "decided by roles alone, not by all"


@pytest.mark.parametrize("who", [CHIEF, OTHER, WARD, caller("a", CallerRole.AUDITOR), caller("none")])
@pytest.mark.parametrize("act", list(Act))
def test_a_case_says_what_the_daemon_does(who, act):
    """Of roles what the API demands, of the policy what it asks."""
    tried = try_act(ActCase("", who, act, allowed=True), PEOPLE)
    if tried.rule == "role":
        assert not ROLES[act] & who.roles
        return
    if tried.allowed:
        PEOPLE.demand(who, act)
    else:
        with pytest.raises(PermissionDenied, match=tried.reason):
            PEOPLE.demand(who, act)


def test_the_roles_are_those_that_the_api_demands():
    """Read from its source: of each act the roles of whichever call demands least."""
    found: dict[Act, set[CallerRole]] = {act: set() for act in Act}
    for path in Path(api.__path__[0]).glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "admit":
                acts = {one.attr for one in ast.walk(call.args[1]) if isinstance(one, ast.Attribute)} & {
                    *Act.__members__
                }
                roles = {CallerRole[one.attr] for one in call.args[2:]} or set(CallerRole)
                for act in acts:
                    found[Act[act]] |= roles
    assert found == {act: set(roles) for act, roles in ROLES.items()}
