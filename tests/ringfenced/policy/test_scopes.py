"""Heads are an index, and a condition that begins as a head might is one as well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.policies import CALLERS, OFFERS, agrees, asked, book, by_cedar
from ringfenced.policy import Source, parse
from ringfenced.policy.scopes import Scope, Uid, bits

ALL = '@id("all") permit(principal, action, resource);\n'
WARD, CLOUD, LARGE = Uid("Department", "ward"), Uid("Provider", "acme"), Uid("Model", "acme/large")


def rule(clauses, head="principal, action, resource"):
    (made,) = parse([Source("p", f"forbid({head}) {clauses};")])
    return made


@pytest.mark.parametrize(
    ("clauses", "principal", "resource"),
    [
        ('when { principal in Department::"ward" }', Scope(within=(WARD,)), Scope()),
        ('when { principal in Department::"ward" && context.tools }', Scope(within=(WARD,)), Scope()),
        ('when { (resource == Model::"acme/large" && context.tools) && true }', Scope(), Scope(equals=LARGE)),
        ('when { resource in Provider::"acme" } when { context.tools }', Scope(), Scope(within=(CLOUD,))),
        # What Cedar may not come to, or what says the opposite, narrows nothing.
        ('when { context.tools && principal in Department::"ward" }', Scope(), Scope()),
        ('when { principal in Department::"ward" || context.tools }', Scope(), Scope()),
        ('when { !(principal in Department::"ward") }', Scope(), Scope()),
        ('unless { principal in Department::"ward" }', Scope(), Scope()),
        ('when { context.tools } when { principal in Department::"ward" }', Scope(), Scope()),
    ],
)
def test_a_condition_narrows_as_a_head_would_only_where_it_comes_first(clauses, principal, resource):
    made = rule(clauses)
    assert (made.principal, made.action, made.resource) == (principal, Scope(), resource)


def test_a_head_that_says_something_stays_as_it_is():
    made = rule('when { principal in Department::"ward" }', head='principal in Tenant::"site", action, resource')
    assert made.principal == Scope(within=(Uid("Tenant", "site"),))


@pytest.mark.parametrize(
    "first",
    [
        'principal in Department::"ward"',
        'principal == Caller::"spiffe://site/lab"',
        'resource == Model::"acme/large"',
        'resource in Provider::"acme"',
        'resource in Site::"site"',
        'action == Action::"embed"',
    ],
)
@pytest.mark.parametrize("caller", CALLERS)
def test_narrowed_policies_rule_as_cedar_does(first, caller):
    text = ALL + f'@id("x") forbid(principal, action, resource) when {{ {first} && context.tokens_max > 1 }};'
    request = asked(caller=caller)
    rulings = book(text).rulings(request, OFFERS).by_target
    said = by_cedar(text, request, OFFERS)
    assert all(agrees(rulings[target], one) for target, one in said.items())


@given(st.frozensets(st.integers(0, 300)))
def test_bits_are_told_lowest_first(numbers):
    assert list(bits(sum(1 << number for number in numbers))) == sorted(numbers)
