"""One question to Cedar about many policies at once: which of them hold for this request.

Cedar would answer for one target in some 0.1 ms, whatever the policies; a request has hundreds of targets. So what a
policy's head says is looked up in an index (`scopes`), and Cedar is asked about conditions alone: all conditions of a
group in one call, each as a `permit` of its own, of which the answer lists those that hold. Conditions that many
policies share are asked about once. One that sees the target stands in the question once for each kind of target that
it can tell apart, with a target's name in the variable's place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple

import cedarpy

from ringfenced.inputs import Asked
from ringfenced.policy.rules import Rule
from ringfenced.policy.scopes import Uid
from ringfenced.policy.sights import Sights
from ringfenced.policy.targets import Kind
from ringfenced.policy.vocabulary import CONTEXT, Entity, Value, plain

_ANYBODY: Final = Uid("Caller", "")
"""Stands for who asks where no policy looks."""
_NOWHERE: Final = Uid("Model", "")
"""Stands for the target, which policies are given as a literal."""
_ALL: Final = {"op": "All"}
_BROKEN: Final = re.compile(r"policy `([^`]+)`")
"""How Cedar names a policy that it cannot evaluate."""


class Held(NamedTuple):
    """What came of a group's policies, as sets of bits."""

    holds: int
    """Those whose conditions hold."""
    broken: int
    """Those that cannot be evaluated."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What one policy or several demand besides their heads, word for word the same."""

    conditions: tuple[Mapping[str, Any], ...]
    """In Cedar's JSON."""
    sights: Sights
    """What they see."""
    rules: int
    """The policies that have them, as bits."""

    @property
    def sees_target(self) -> bool:
        """Whether they may differ from target to target."""
        return "resource" in self.sights.attributes

    @property
    def fields(self) -> frozenset[str]:
        """What of the context they see."""
        seen = self.sights.of("context")
        return seen if seen <= CONTEXT.keys() else frozenset(CONTEXT)


class Question:
    """Conditions that are asked about together, as Cedar takes them."""

    def __init__(self, conditions: Sequence[Condition], kinds: Sequence[Kind]) -> None:
        """Put it together; either all conditions see the target or none."""
        self.fields = tuple(sorted(frozenset[str]().union(*(one.fields for one in conditions))))
        """What of the context they see."""
        self.kinds = len(kinds) if conditions[0].sees_target else 1
        """How many kinds of target are told apart."""
        self.rules: dict[str, int] = {}
        """The policies that have what is asked about under a name."""
        self.told: dict[str, tuple[int, ...]] = {}
        """The kinds of target that it speaks of."""
        policies = {}
        for name, one, alike in _asked(conditions, kinds):
            policies[name] = _permit(_with_target(one.conditions, kinds[alike[0]].target) if alike else one.conditions)
            self.rules[name] = one.rules
            self.told[name] = alike or (0,)
        text = json.dumps({"staticPolicies": policies, "templates": {}, "templateLinks": []})
        self.policies = cedarpy.PolicySet.from_json_str(text, release_gil=True)
        """Each of these as a policy."""


class Group:
    """A question asked of somebody, for one action."""

    def __init__(self, question: Question, *, who: Uid | None, action: Uid, store: cedarpy.Entities) -> None:
        """Bind.

        Args:
            question: the conditions.
            who: stands for who asks; None where no condition looks.
            action: what for.
            store: all entities that conditions may look at.
        """
        self._question = question
        self._request = {
            "principal": (who or _ANYBODY).json(),
            "action": action.json(),
            "resource": _NOWHERE.json(),
        }
        self._store = store

    def values(self, asked: Asked) -> tuple[Value, ...]:
        """What the conditions see of a request."""
        return tuple([CONTEXT[name](asked) for name in self._question.fields])

    def ask(self, values: tuple[Value, ...]) -> tuple[Held, ...]:
        """The policies whose conditions hold, for each kind of target; once where no condition sees the target."""
        question = self._question
        context = {name: plain(value) for name, value in zip(question.fields, values, strict=True)}
        try:
            answer = cedarpy.is_authorized(self._request | {"context": context}, question.policies, self._store)
            said = answer.diagnostics
            broken = [_name_in(error) for error in said.errors]
        except ValueError:
            said, broken = None, [""]
        if said is None or "" in broken:  # nobody can say which: all
            return (Held(0, _union(question.rules.values())),) * question.kinds
        holds = [0] * question.kinds
        breaks = [0] * question.kinds
        for names, masks in ((said.reasons, holds), (broken, breaks)):
            for name in names:
                rules = question.rules[name]
                for kind in question.told[name]:
                    masks[kind] |= rules
        return tuple(map(Held, holds, breaks))


def store_of(entities: Iterable[Entity]) -> cedarpy.Entities:
    """Entities as Cedar takes them; of two with one name the later one counts."""
    named = {one.uid: one for one in entities}
    return cedarpy.Entities.from_json_str(json.dumps([one.json() for one in named.values()]))


def conditions_of(rules: Sequence[Rule]) -> tuple[Condition, ...]:
    """What the policies demand besides their heads, each once."""
    same: dict[str, tuple[Rule, list[int]]] = {}
    for number, rule in enumerate(rules):
        same.setdefault(json.dumps(rule.conditions, sort_keys=True), (rule, []))[1].append(number)
    return tuple(
        Condition(rule.conditions, rule.sights, _union(1 << number for number in numbers))
        for rule, numbers in same.values()
    )


def _asked(conditions: Sequence[Condition], kinds: Sequence[Kind]) -> Iterator[tuple[str, Condition, tuple[int, ...]]]:
    """Name, condition and the kinds of target that look alike to it; no kinds where it does not look.

    Kinds that no head of its policies fits are left out.
    """
    for number, one in enumerate(conditions):
        if not one.sees_target:
            yield str(number), one, ()
            continue
        alike: dict[object, list[int]] = {}
        for place, kind in enumerate(kinds):
            if kind.fitting & one.rules:
                alike.setdefault(kind.seen_by(one.sights), []).append(place)
        for places in alike.values():
            yield f"{number}@{places[0]}", one, tuple(places)


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def _permit(conditions: Any) -> dict[str, Any]:
    return {"effect": "permit", "principal": _ALL, "action": _ALL, "resource": _ALL, "conditions": conditions}


def _with_target(node: Any, target: Uid) -> Any:
    """An expression with a target's name where the variable stood."""
    if node == {"Var": "resource"}:
        return {"Value": {"__entity": target.json()}}
    if isinstance(node, Mapping):
        return {key: _with_target(value, target) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_with_target(value, target) for value in node]
    return node


def _name_in(error: str) -> str:
    """Which policy an error is of; empty where it does not say."""
    found = _BROKEN.search(error)
    return found.group(1) if found else ""
