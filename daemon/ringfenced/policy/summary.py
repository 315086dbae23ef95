"""Policies in short, for the people who answer for them; and what about them is probably not meant."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringfenced.policy.rules import Rule
from ringfenced.policy.scopes import Scope, Uid
from ringfenced.policy.text import Place, entity_place

_CHECKED = frozenset({"Caller", "Department", "Tenant", "Provider", "Model", "Site", "Node"})
"""Types of which a site's configuration names every entity."""


@dataclass(frozen=True, slots=True)
class Line:
    """One policy in short."""

    name: str
    """Its name."""
    effect: str
    """``permit`` or ``forbid``."""
    who: str
    """Whom it speaks of."""
    what: str
    """What for."""
    where: str
    """Where to."""
    sees: tuple[str, ...]
    """What its conditions look at; empty for a policy without any."""
    place: Place
    """Where it stands."""


def lines(rules: Sequence[Rule]) -> tuple[Line, ...]:
    """Every policy in short."""
    return tuple(
        Line(
            name=rule.name,
            effect="forbid" if rule.forbids else "permit",
            who=_scope(rule.principal, "anybody"),
            what=_scope(rule.action, "anything"),
            where=_scope(rule.resource, "anywhere"),
            sees=tuple(
                sorted(
                    f"{variable}.{attribute}" if attribute != "*" else variable
                    for variable, attributes in rule.sights.attributes.items()
                    for attribute in attributes or {"*"}
                )
            ),
            place=rule.place,
        )
        for rule in rules
    )


def doubts(rules: Sequence[Rule], known: frozenset[Uid] | None) -> Iterator[tuple[Place, str]]:
    """What about policies is probably not meant, and where.

    Args:
        rules: the policies.
        known: every caller, department, tenant, provider and model of the site; None where that is not known.
    """
    if not any(not rule.forbids for rule in rules):
        place = rules[0].place if rules else Place("policy", 1, 1)
        yield place, "no policy permits anything, so that all of it is denied; write a permit"
    names = Counter(rule.name for rule in rules)
    for rule in rules:
        if names[rule.name] > 1 and not rule.place.source.startswith("[["):
            names[rule.name] = 0
            yield rule.place, f"several policies are called {rule.name!r}; decisions cannot tell them apart"
        if known is not None:
            yield from _unknown(rule, known)


def _unknown(rule: Rule, known: frozenset[Uid]) -> Iterator[tuple[Place, str]]:
    """Names that are nobody's, each where it stands: Cedar takes any, and what is about nobody forbids nothing."""
    never: set[Uid] = set()
    for scope in (rule.principal, rule.resource):
        named = {one for one in scope.names() if one.type in _CHECKED}
        if named and named == scope.names() and not named & known:
            never |= named
            for one in sorted(named):
                told = f"{rule.name!r} can never apply: {_entity(one)} is not in this site's configuration"
                yield entity_place(rule.statement, *one), told + _instead(one, known)
    for one in sorted({one for one in rule.sights.literals if one.type in _CHECKED} - known - never):
        told = f"{rule.name!r} asks for {_entity(one)}, which is not in this site's configuration"
        yield entity_place(rule.statement, *one), told + _instead(one, known)


def _scope(scope: Scope, anything: str) -> str:
    if scope.equals is not None:
        return scope.equals.id
    if scope.within is not None:
        return " or ".join(one.id if one.type == "Action" else f"{one.type} {one.id}" for one in scope.within)
    return anything


def _entity(one: Uid) -> str:
    return f'{one.type}::"{one.id}"'


def _instead(one: Uid, known: frozenset[Uid]) -> str:
    """The nearest name that somebody has; nothing where none is near."""
    names = sorted(other.id for other in known if other.type == one.type)
    near = difflib.get_close_matches(one.id, names, n=1)
    return f"; write {_entity(Uid(one.type, near[0]))}" if near else ""
