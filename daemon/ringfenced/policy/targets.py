"""The targets of a site as its policies see them: those that look alike to every policy are one kind, ruled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from ringfenced.model import Offer, Target
from ringfenced.policy.scopes import Index, Uid
from ringfenced.policy.sights import Sights
from ringfenced.policy.vocabulary import Entity, ProviderFacts, Value, resource


class Kind(NamedTuple):
    """Targets that look alike to all conditions."""

    target: Uid
    """One that stands for them."""
    fitting: int
    """The policies whose heads fit one of them, as bits."""
    looks: tuple[tuple[str, Value], ...]
    """Their attributes, of those that a condition asks for."""
    names: frozenset[Uid]
    """What they are or belong to, of what a condition names."""

    def seen_by(self, sights: Sights) -> tuple[object, ...]:
        """What conditions can see of them."""
        asked = sights.of("resource")
        return (*(pair for pair in self.looks if pair[0] in asked), self.names & sights.literals)


class Targets:
    """Every target, by what heads and conditions see of it. Immutable."""

    def __init__(
        self,
        offers: Sequence[Offer],
        index: Index,
        providers: Mapping[str, ProviderFacts],
        *,
        seen: frozenset[str],
        named: frozenset[Uid],
    ) -> None:
        """Sort them.

        Args:
            offers: every target.
            index: the policies by the third place of their heads.
            providers: as the configuration has them.
            seen: the attributes of a target that any condition asks for.
            named: everything that any condition names.
        """
        self._looks_of = _looks(seen)
        self._looks = list(map(self._looks_of, offers))
        numbers: dict[object, int] = {}
        kinds: list[Kind] = []
        sorts: dict[tuple[int, int], int] = {}
        places: dict[Target, int] = {}
        self.entities: tuple[Entity, ...] = tuple(resource(offer, providers) for offer in offers)
        """Each as Cedar has it."""
        for offer, entity in zip(offers, self.entities, strict=True):
            fitting = index.mask(entity.uid, entity.belongs_to)
            looks = tuple((name, entity.attributes[name]) for name in sorted(seen & entity.attributes.keys()))
            names = named.intersection((entity.uid, *entity.belongs_to))
            kind = numbers.setdefault((looks, names), len(kinds))
            if kind == len(kinds):
                kinds.append(Kind(entity.uid, fitting, looks, names))
            else:
                kinds[kind] = kinds[kind]._replace(fitting=kinds[kind].fitting | fitting)
            places[offer.target] = sorts.setdefault((fitting, kind), len(sorts))
        self.kinds = tuple(kinds)
        """What conditions can tell apart."""
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
