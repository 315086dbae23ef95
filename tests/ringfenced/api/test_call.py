"""The door: who is known, what its roles let it do, and what the policy leaves of that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import PUBLIC
from ringfenced.api.call import Door
from ringfenced.errors import PermissionDenied, RingfenceError, Unauthenticated
from ringfenced.model import Caller, CallerRole
from ringfenced.policy import Act, People, Source

WHO = "spiffe://site/ana"


class Context:
    """A call over a verified connection."""

    def __init__(self, identity=WHO):
        self.identity = identity

    def auth_context(self):
        return {"peer_uri": [self.identity.encode()]}


class Open:
    """A site without a policy for people."""

    def demand(self, caller, act):
        """Everybody may."""


def door(roles, policy=None):
    callers = {WHO: Caller(WHO, "site", "it", frozenset(roles), PUBLIC)}
    return Door(lambda: callers, policy or Open())


def policy(text):
    return People(Source("people.cedar", text), "node-1")


def passes(call):
    try:
        return bool(call())
    except RingfenceError:
        return False


def test_who_is_not_known_is_refused_before_anything_is_asked():
    with pytest.raises(Unauthenticated):
        door(CallerRole).admit(Context("spiffe://site/eve"), Act.PLAN)


@given(st.frozensets(st.sampled_from(CallerRole)), st.sampled_from(Act), st.frozensets(st.sampled_from(CallerRole)))
def test_roles_are_the_floor_whatever_a_policy_permits(roles, act, wanted):
    """A policy that permits everything lets in exactly those that roles let in."""
    permitting = door(roles, policy("permit(principal, action, resource);"))
    lets = passes(lambda: door(roles).admit(Context(), act, *wanted))
    assert lets == (not wanted or not roles.isdisjoint(wanted))
    assert passes(lambda: permitting.admit(Context(), act, *wanted)) == lets
    assert not passes(lambda: door(roles, policy("")).admit(Context(), act, *wanted))


def test_a_policy_takes_away_what_a_role_lets():
    text = 'permit(principal, action, resource);\n@id("no lift") forbid(principal, action == Action::"lift", resource);'
    made = door([CallerRole.OPERATOR], policy(text))
    assert made.admit(Context(), Act.LOCKDOWN, CallerRole.OPERATOR).identity == WHO
    with pytest.raises(PermissionDenied, match="forbidden by no lift"):
        made.admit(Context(), Act.LIFT, CallerRole.OPERATOR)


def test_requests_are_not_what_it_speaks_of():
    """Who may send what where is the other policy's, which decides with a record."""
    assert door([CallerRole.CALLER], policy("")).asking(Context()).identity == WHO
    with pytest.raises(PermissionDenied, match="lacks the role"):
        door([CallerRole.OPERATOR], policy("")).asking(Context())
