"""The policy in force, and what it says of each target for a request.

    0. view      a request that comes from two systems is seen once as from each; what it may do, it may do as both
    1. look up   everything that policies can see of the request was seen before: the same rulings
    2. slice     the policies whose heads fit who asks and what for
    3. ask       Cedar which of their conditions hold, by groups that see little, each remembered by what it sees
    4. combine   for each sort of target: a forbid outweighs every permit, and what nothing permits is denied

A policy that cannot be evaluated denies: Cedar itself would pass over it, and a ``forbid`` that is passed over forbids
nothing. The outcome is that of Cedar over all policies for each target by itself; `tests` hold the two together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from ringfenced.inputs import Asked, Ruling, Rulings
from ringfenced.model import CallerRole, Offer, Target
from ringfenced.policy.memory import Remembered
from ringfenced.policy.people import People
from ringfenced.policy.questions import Condition, Group, Held, Question, conditions_of, store_of
from ringfenced.policy.rules import Rule
from ringfenced.policy.scopes import Index, Uid, bits
from ringfenced.policy.sights import Sights
from ringfenced.policy.table import Ceilings
from ringfenced.policy.targets import Kind, Targets
from ringfenced.policy.vocabulary import (
    ACTIONS,
    CONTEXT,
    MANY_VALUED,
    Entity,
    ProviderFacts,
    Value,
    action,
    owners,
    principal,
    surroundings,
    views,
)

NAMES_MAX: Final = 16
"""Most policies that one ruling names, the first in the files: a decision stays readable, and small."""
_SHARED_MIN: Final = 16
"""A condition that so many policies share is asked about for everybody at once."""
_RULINGS_MAX: Final = 4096
_HELD_MAX: Final = 16_384
_CALLERS_MAX: Final = 16_384
_SLICES_MAX: Final = 4096
_OUTCOMES_MAX: Final = 1024
"""How much is remembered. Rulings that come out alike are one value, of some 50 bytes a target."""


class _Who(NamedTuple):
    """Who asks, as policies see it."""

    named: frozenset[Uid]
    """What of who asks, its department and its tenant is named anywhere in the policies."""
    roles: Value | None
    """Its roles; None where no policy looks."""


@dataclass(frozen=True, slots=True)
class World:
    """What policies may look at besides a request and its targets."""

    providers: Mapping[str, ProviderFacts] = field(default_factory=lambda: MappingProxyType({}))
    """As the configuration has them, by name."""
    callers: tuple[Entity, ...] = ()
    """Everybody whom the site knows; for policies that ask of one by name."""


class Rulebook:
    """The policies of a site. What it remembers shows in nothing but its speed. For one thread."""

    _offers: tuple[Offer, ...]
    _targets: Targets

    def __init__(
        self,
        rules: Sequence[Rule],
        world: World,
        *,
        ceilings: Ceilings | None = None,
        source: str = "",
        people: People | None = None,
    ) -> None:
        """Index.

        Args:
            rules: the policies (`parse`).
            world: what they may look at.
            ceilings: most that a request may cost.
            source: all that is policy, as an operator reads it.
            people: what the site lets people do; None where roles alone decide.
        """
        self.rules = tuple(rules)
        """Every policy, in the order of the files."""
        self.source = source
        """All that is policy, as an operator reads it."""
        self.digest = hashlib.sha256(source.encode()).hexdigest()
        """SHA-256 of the source, hex: stands in every decision."""
        self.people = people
        """What the site lets people do, approved and replaced together with the rest; None: roles alone decide."""
        self._world = world
        self._ceilings = ceilings or Ceilings(())
        self._by_principal = Index("Caller", (rule.principal for rule in self.rules))
        self._by_action = Index("Action", (rule.action for rule in self.rules))
        self._by_resource = Index("Model", (rule.resource for rule in self.rules))
        self._forbids = sum(1 << number for number, rule in enumerate(self.rules) if rule.forbids)
        opens = self._by_principal.mask(Uid("Caller", ""))
        self._conditions = conditions_of(self.rules)
        self._common = tuple(one for one in self._conditions if _is_common(one, opens))
        self._own = tuple(one for one in self._conditions if not _is_common(one, opens))
        seen = frozenset[str]().union(*(one.sights.of("context") for one in self._conditions))
        self._seen = tuple(CONTEXT[name] for name in (CONTEXT if seen - CONTEXT.keys() else sorted(seen)))
        self._sees_source = CONTEXT["source"] in self._seen
        sights = [one.sights for one in self._conditions]
        self._literals = frozenset[Uid]().union(*(one.literals for one in sights))
        self._seen_of_target = frozenset[str]().union(*(one.of("resource") for one in sights))
        self._named = self._literals.union(*(rule.principal.names() for rule in self.rules))
        self._sees_roles = any("roles" in one.of("principal") or _names_callers(one) for one in sights)
        self._callers: Remembered[tuple[str, str, str, frozenset[CallerRole]], _Who] = Remembered(_CALLERS_MAX)
        self._questions: Remembered[tuple[tuple[Condition, ...], tuple[Kind, ...]], Question] = Remembered(_SLICES_MAX)
        self._begin(())

    def prepare(self, offers: tuple[Offer, ...], asked: Iterable[Asked] = ()) -> None:
        """Do now what the first requests would wait for.

        Args:
            offers: every target.
            asked: a request of each caller that is expected, whatever it asks.
        """
        self._begin(offers)
        for one in asked:
            if len(self._slices) == _SLICES_MAX:
                return
            self._slice(one, self._who(one), action(one))

    def rulings(self, asked: Asked, offers: tuple[Offer, ...]) -> Rulings:
        """What the policies say of each target for a request."""
        if offers is not self._offers:
            if self._targets.are(offers):
                self._offers = offers
            else:
                self._begin(offers)
        who, what, most = self._who(asked), action(asked), self._ceilings.of(asked)
        seen = views(asked) if self._sees_source else (asked,)
        key = (who, what, most, *[value(one) for one in seen for value in self._seen])
        known = self._rulings.get(key)
        return self._rulings.put(key, self._ruled(seen, who, what)) if known is None else known

    # ── what is known of the targets and of who asks ─────────────────────────────────────────────────────────────────

    def _begin(self, offers: tuple[Offer, ...]) -> None:
        """Take other targets, and forget what was ruled for those before."""
        self._offers = offers
        self._targets = Targets(
            offers, self._by_resource, self._world.providers, seen=self._seen_of_target, named=self._literals
        )
        shown = self._literals | {kind.target for kind in self._targets.kinds}
        self._entities = (
            *surroundings(self._world.providers, offers),
            *(one for one in (*self._world.callers, *self._targets.entities) if one.uid in shown),
        )
        self._rulings: Remembered[tuple[object, ...], Rulings] = Remembered(_RULINGS_MAX)
        self._held: Remembered[tuple[Group, tuple[Value, ...]], tuple[Held, ...]] = Remembered(_HELD_MAX)
        self._slices: Remembered[tuple[_Who, Uid], tuple[Group, ...]] = Remembered(_SLICES_MAX)
        self._outcomes: Remembered[tuple[object, ...], Rulings] = Remembered(_OUTCOMES_MAX)
        self._of_all = {
            what: self._groups([one for one in self._common if one.rules & self._by_action.mask(what)], None, what)
            for what in ACTIONS
        }

    def _who(self, asked: Asked) -> _Who:
        key = (asked.caller, asked.department, asked.tenant, asked.roles)
        known = self._callers.get(key)
        if known is not None:
            return known
        entity = principal(asked)
        named = self._named.intersection((entity.uid, *entity.belongs_to))
        return self._callers.put(key, _Who(named, entity.attributes["roles"] if self._sees_roles else None))

    # ── which policies hold ──────────────────────────────────────────────────────────────────────────────────────────

    def _ruled(self, seen: Sequence[Asked], who: _Who, what: Uid) -> Rulings:
        """The ruling on each target, of a request in its views; the same value where the same came out before."""
        held = [self._holding(one, who, what) for one in seen]
        cost, length = self._ceilings.of(seen[0])
        key = (who, what, cost, length, *held)
        known = self._outcomes.get(key)
        if known is None:
            table = self._combined(seen[0], what, held)
            known = self._outcomes.put(key, Rulings(table, self.digest, cost, length))
        return known

    def _holding(self, asked: Asked, who: _Who, what: Uid) -> tuple[Held, ...]:
        """The policies whose conditions hold in one view, for each kind of target."""
        holds = [0] * len(self._targets.kinds)
        broken = [0] * len(self._targets.kinds)
        for group in self._slice(asked, who, what):
            held = self._ask(group, group.values(asked))
            for kind in range(len(holds)):
                one = held[kind] if len(held) > 1 else held[0]
                holds[kind] |= one.holds
                broken[kind] |= one.broken
        return tuple(map(Held, holds, broken))

    def _combined(self, asked: Asked, what: Uid, held: Sequence[Sequence[Held]]) -> Mapping[Target, Ruling]:
        """What heads and conditions say together, with what holds in each view."""
        entity = principal(asked)
        heads = self._by_action.mask(what) & self._by_principal.mask(entity.uid, entity.belongs_to)
        rulings = [self._ruling(heads & fitting, [one[kind] for one in held]) for fitting, kind in self._targets.sorts]
        return {target: rulings[place] for target, place in self._targets.places.items()}

    def _slice(self, asked: Asked, who: _Who, what: Uid) -> tuple[Group, ...]:
        """What is to be asked for who asks."""
        known = self._slices.get((who, what))
        if known is not None:
            return known
        entity = principal(asked)
        heads = self._by_action.mask(what) & self._by_principal.mask(entity.uid, entity.belongs_to)
        own = [one for one in self._own if one.rules & heads]
        return self._slices.put((who, what), self._of_all[what] + self._groups(own, asked, what))

    def _groups(self, conditions: Sequence[Condition], asked: Asked | None, what: Uid) -> tuple[Group, ...]:
        """Questions about conditions: those that see what differs in most requests by themselves."""
        apart: dict[tuple[frozenset[str], bool], list[Condition]] = {}
        for one in conditions:
            apart.setdefault((one.fields & MANY_VALUED, one.sees_target), []).append(one)
        if not apart:
            return ()
        asking = () if asked is None else (principal(asked), *owners(asked))
        store = store_of((*self._entities, *asking))
        who = asking[0].uid if asking else None
        return tuple(Group(self._question(tuple(some)), who=who, action=what, store=store) for some in apart.values())

    def _question(self, conditions: tuple[Condition, ...]) -> Question:
        kinds = self._targets.kinds if conditions[0].sees_target else ()
        known = self._questions.get((conditions, kinds))
        return self._questions.put((conditions, kinds), Question(conditions, kinds)) if known is None else known

    def _ask(self, group: Group, values: tuple[Value, ...]) -> tuple[Held, ...]:
        known = self._held.get((group, values))
        return self._held.put((group, values), group.ask(values)) if known is None else known

    def _ruling(self, fitting: int, held: Sequence[Held]) -> Ruling:
        """What the policies say together whose heads fit: a forbid counts in any view, and each needs a permit."""
        holds = broken = 0
        permitted = True
        for one in held:
            permitted &= bool(fitting & one.holds)
            holds |= fitting & one.holds
            broken |= fitting & one.broken
        if forbidding := holds & self._forbids:
            return Ruling(allowed=False, policies=self._names(forbidding))
        if broken:
            return Ruling(allowed=False, policies=self._names(broken), broken=True)
        return Ruling(allowed=permitted, policies=self._names(holds) if permitted else ())

    def _names(self, mask: int) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for number in bits(mask):
            names[self.rules[number].name] = None
            if len(names) == NAMES_MAX:
                break
        return tuple(names)


def _is_common(condition: Condition, opens: int) -> bool:
    """Whether it is asked about once for everybody, rather than for those alone of whom a policy speaks.

    Args:
        condition: which.
        opens: the policies whose heads fit whoever asks.
    """
    if "principal" in condition.sights.attributes or _names_callers(condition.sights):
        return False
    return bool(condition.rules & opens) or condition.rules.bit_count() >= _SHARED_MIN


def _names_callers(sights: Sights) -> bool:
    """Whether a condition names somebody, whose roles it may ask for: who asks may be just that one."""
    return any(one.type == "Caller" for one in sights.literals)
