"""The targets of a site as its policies see them: those that look alike to every policy are one kind, ruled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from ringfenced.model import Offer, Target
from ringfenced.policy.rules import Rule
from ringfenced.policy.scopes import Index, Uid
from ringfenced.policy.vocabulary import Entity, ProviderFacts, resource


class Targets:
    """Every target, by what heads and conditions see of it. Immutable."""

    def __init__(
        self, offers: Sequence[Offer], rules: Sequence[Rule], index: Index, providers: Mapping[str, ProviderFacts]
    ) -> None:
        """Sort them.

        Args:
            offers: every target.
            rules: the policies.
            index: the policies by the third place of their heads.
            providers: as the configuration has them.
        """
        seen = frozenset[str]().union(*(rule.sights.of("resource") for rule in rules))
        self._looks_of = _looks(seen)
        self._looks = list(map(self._looks_of, offers))
        named = frozenset[Uid]().union(*(rule.sights.literals for rule in rules))
        numbers: dict[object, int] = {}
        kinds: list[tuple[Uid, int]] = []
        sorts: dict[tuple[int, int], int] = {}
        places: dict[Target, int] = {}
        self.entities: tuple[Entity, ...] = tuple(resource(offer, providers) for offer in offers)
        """Each as Cedar has it."""
        for offer, entity in zip(offers, self.entities, strict=True):
            fitting = index.mask(entity.uid, entity.belongs_to)
            view = (
                tuple(entity.attributes.get(name) for name in sorted(seen)),
                named.intersection((entity.uid, *entity.belongs_to)),
            )
            kind = numbers.setdefault(view, len(kinds))
            if kind == len(kinds):
                kinds.append((entity.uid, fitting))
            else:
                kinds[kind] = (kinds[kind][0], kinds[kind][1] | fitting)
            places[offer.target] = sorts.setdefault((fitting, kind), len(sorts))
        self.kinds = tuple(kinds)
        """For conditions: one target that stands for each kind, and the policies whose heads fit one of it."""
        self.sorts = tuple(sorts)
        """For whole policies: those whose heads fit, and the kind."""
        self.places = places
        """Each target's place in `sorts`."""

    def are(self, offers: Sequence[Offer]) -> bool:
        """Whether offers look the same as these, whatever else has changed of them."""
        return len(offers) == len(self._looks) and list(map(self._looks_of, offers)) == self._looks


def _looks(seen: frozenset[str]) -> Callable[[Offer], Any]:
    """All of an offer that a policy can see; what none sees may change without another look."""
    names = ["target"]
    if seen & {"level_rank", "categories"}:
        names.append("clearance")
    if "task" in seen:
        names += ["supports_embeddings", "supports_text"]
    return attrgetter(*names)
