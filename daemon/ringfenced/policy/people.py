"""Who may do what with the daemon besides sending requests, in Cedar of its own: `people.cedarschema`.

Roles are the floor: what a role does not let somebody do, no policy permits. What a role leaves, the policy can take
away. Without such a policy roles alone decide.

A policy that cannot be evaluated denies, as in `rulebook`. Nothing here is asked but who acts, what for and on which
node, so that every ruling is remembered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import cedarpy

from ringfenced.errors import PermissionDenied
from ringfenced.inputs import Ruling
from ringfenced.model import Caller
from ringfenced.policy.memory import Remembered
from ringfenced.policy.rules import ID, PEOPLE, Rule, parse
from ringfenced.policy.scopes import Uid
from ringfenced.policy.text import Source
from ringfenced.policy.vocabulary import Entity, everybody

NAMES_MAX: Final = 16
"""Most policies that one refusal names, the first in the file."""
_BROKEN: Final = re.compile(rf"policy `({ID}\d+)`")
"""How Cedar names a policy that it cannot evaluate."""
_RULINGS_MAX: Final = 16_384
"""How many rulings are remembered: some twenty for each caller that acts."""


class Act(StrEnum):
    """What somebody does: an action of the schema. Each method of the API but those that send a request is one."""

    PLAN = "plan"
    FEEDBACK = "feedback"
    SEE_MODELS = "see_models"
    SEE_NODE = "see_node"
    SEE_WALLETS = "see_wallets"
    SEE_POLICY = "see_policy"
    SEE_ROUTING = "see_routing"
    LOAD_MODEL = "load_model"
    UNLOAD_MODEL = "unload_model"
    REPLACE_MODEL = "replace_model"
    RELOAD_POLICY = "reload_policy"
    FORGET_ROUTING = "forget_routing"
    ROTATE_KEY = "rotate_key"
    LOCKDOWN = "lockdown"
    LIFT = "lift"
    AUDIT = "audit"


GROUPS: Final = {
    "see": (Act.SEE_MODELS, Act.SEE_NODE, Act.SEE_WALLETS, Act.SEE_POLICY, Act.SEE_ROUTING),
    "operate": (
        *(Act.LOAD_MODEL, Act.UNLOAD_MODEL, Act.REPLACE_MODEL),
        *(Act.RELOAD_POLICY, Act.FORGET_ROUTING, Act.ROTATE_KEY),
    ),
}
"""The schema's groups of actions, by name."""


class People:
    """A site's policy for people on one node. What it remembers shows in nothing but its speed. For one thread."""

    def __init__(self, source: Source, node: str, callers: Iterable[Caller] = ()) -> None:
        """Parse.

        Args:
            source: the policies.
            node: this node's name.
            callers: everybody whom the site knows; for policies that ask of one by name.

        Raises:
            PolicyError: the text is no policy for people.
        """
        self.rules: tuple[Rule, ...] = parse([source], PEOPLE)
        """Every policy, in the order of the file."""
        self.source = source
        """Where they come from."""
        self._policies = cedarpy.PolicySet.from_str(source.text, release_gil=True)
        self._node = Uid("Node", node)
        self._known = {one.uid: one for one in (*everybody(callers), *_actions(), Entity(self._node))}
        self._store = _store(self._known.values())
        self._rulings: Remembered[tuple[Caller, Act], Ruling] = Remembered(_RULINGS_MAX)

    def ruling(self, caller: Caller, act: Act) -> Ruling:
        """What the policy says of a caller that would act; whether its roles let it is not looked at."""
        key = (caller, act)
        known = self._rulings.get(key)
        return self._rulings.put(key, self._ruled(caller, act)) if known is None else known

    def demand(self, caller: Caller, act: Act) -> None:
        """Pass if the policy permits it.

        Raises:
            PermissionDenied: it does not; the message names the policies that forbid.
        """
        ruling = self.ruling(caller, act)
        if not ruling.allowed:
            raise denied(caller, act, why(ruling, self.source.name))

    def _ruled(self, caller: Caller, act: Act) -> Ruling:
        who = everybody([caller])
        known = all(self._known.get(one.uid) == one for one in who)
        store = self._store if known else _store((self._known | {one.uid: one for one in who}).values())
        question = {"principal": who[0].uid.json(), "action": Uid("Action", act).json(), "resource": self._node.json()}
        try:
            answer = cedarpy.is_authorized(question, self._policies, store)
        except ValueError:
            return Ruling(allowed=False, broken=True)
        said = answer.diagnostics
        decided = self._names(said.reasons)
        if said.errors and not (decided and answer.decision is not cedarpy.Decision.Allow):
            broken = [found.group(1) for error in said.errors if (found := _BROKEN.search(error))]
            return Ruling(allowed=False, policies=self._names(broken), broken=True)
        return Ruling(allowed=answer.decision is cedarpy.Decision.Allow, policies=decided)

    def _names(self, ids: Iterable[str]) -> tuple[str, ...]:
        numbers = sorted(int(one.removeprefix(ID)) for one in ids)
        return tuple(dict.fromkeys(self.rules[number].name for number in numbers))[:NAMES_MAX]


def denied(caller: Caller, act: Act, told: str) -> PermissionDenied:
    """The refusal of an act.

    Args:
        caller: who would act.
        act: what it would do.
        told: what the policy says of it.
    """
    return PermissionDenied(
        f"{caller.identity} may not {act} here: {told}. Ask the site's operator, or who approves its policy.",
        reason="policy_forbids",
        step=1,
    )


def why(ruling: Ruling, name: str) -> str:
    """Why a ruling does not allow an act, for people.

    Args:
        ruling: one that does not allow it.
        name: the name of the policies' source.
    """
    if ruling.broken:
        return f"{', '.join(ruling.policies) or name.rpartition('/')[2]} cannot be evaluated for it"
    if ruling.policies:
        return f"forbidden by {', '.join(ruling.policies)}"
    return f"no policy of {name.rpartition('/')[2]} permits it"


def _actions() -> tuple[Entity, ...]:
    groups = [Entity(Uid("Action", name)) for name in GROUPS]
    acts = [
        Entity(Uid("Action", act), tuple(Uid("Action", name) for name, some in GROUPS.items() if act in some))
        for act in Act
    ]
    return (*groups, *acts)


def _store(entities: Iterable[Entity]) -> cedarpy.Entities:
    return cedarpy.Entities.from_json_str(json.dumps([one.json() for one in entities]))
