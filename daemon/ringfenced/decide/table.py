"""The site's targets as columns, so that a rule is asked of all of them at once.

Offers are compiled when they are first seen and remembered by identity: the directory gives the same tuple until
something changed. What is remembered can change no decision, only how long it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfence.labels import Label
from ringfenced.account.many import Prices, prices_of
from ringfenced.decide.rules import LACKS
from ringfenced.inputs import Ability, Ruling
from ringfenced.made_once import MadeOnce
from ringfenced.model import Offer, Target, TargetKind

Mask = NDArray[np.bool_]

DENIED_MAX: Final = 512
"""Rulings whose mask a table remembers, a byte for each target: a policy gives the same ones again."""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A column of names, by number."""

    numbers: Mapping[str, int]
    """The number of each name."""
    column: NDArray[np.int64]
    """The number in each row."""

    def among(self, names: Iterable[str]) -> Mask:
        """The rows that bear one of `names`."""
        found = np.zeros(len(self.numbers), np.bool_)
        found[[self.numbers[name] for name in names if name in self.numbers]] = True
        return found[self.column]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Offers as columns, a row an offer, in their order. Never changed."""

    offers: tuple[Offer, ...]
    """Whose they are."""
    targets: tuple[Target, ...]
    """Of each."""
    names: tuple[str, ...]
    """Of each, as people write it."""
    place: Mapping[Target, int]
    """In which row a target stands."""
    rank: NDArray[np.int64]
    """Where its name stands among all, alphabetically; names that are alike in their order."""
    leaves: Mask
    """It is a provider's."""
    models: Names
    """The model of each."""
    providers: Names
    """The provider of each; empty for none."""
    regions: Names
    """The region of each; empty for none."""
    clearances: tuple[Label | None, ...]
    """Each clearance once; None for targets within the site."""
    clearance: NDArray[np.int64]
    """Which of them each has."""
    lacks: Mapping[Ability, Mask]
    """Those that cannot do something."""
    away: Mask
    """Not available."""
    judged: Mask
    """Its answers are judged."""
    denied: MadeOnce[Mask]
    """`denied` of its targets, once for each of the last rulings. It goes with the table: one memory for all tables
    would keep each of them, and under load measured times make four a second."""
    prices: Prices
    """What they charge and how fast they are."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self.offers)

    def none(self) -> Mask:
        """A mask of no row, for the caller to change."""
        return np.zeros(len(self.offers), np.bool_)


def compiled(offers: tuple[Offer, ...]) -> Table:
    """The offers as columns."""
    targets = tuple(offer.target for offer in offers)
    clearances: dict[Label | None, int] = {}
    for offer in offers:
        clearances.setdefault(offer.clearance, len(clearances))
    names = tuple(map(str, targets))
    rank = np.empty(len(offers), np.int64)
    rank[sorted(range(len(offers)), key=names.__getitem__)] = np.arange(len(offers))
    leaves = [target.kind is TargetKind.PROVIDER for target in targets]
    return Table(
        offers=offers,
        targets=targets,
        names=names,
        place={target: place for place, target in enumerate(targets)},
        rank=rank,
        leaves=_mask(leaves),
        models=_names(target.model for target in targets),
        providers=_names(target.provider for target in targets),
        regions=_names(target.region for target in targets),
        clearances=tuple(clearances),
        clearance=np.array([clearances[offer.clearance] for offer in offers], np.int64),
        lacks={ability: _mask(not has(offer) for offer in offers) for ability, (has, _) in LACKS.items()},
        away=_mask(not offer.available for offer in offers),
        judged=_mask(offer.is_judged for offer in offers),
        denied=MadeOnce(partial(denied, targets), DENIED_MAX),
        prices=prices_of(offers),
    )


def denied(targets: Iterable[Target], by_target: Mapping[Target, Ruling]) -> Mask:
    """Of a row a target, those that a policy does not permit; who has no ruling is denied."""
    return _mask(ruling is None or not ruling.allowed for ruling in map(by_target.get, targets))


def _mask(values: Iterable[bool]) -> Mask:
    return np.array(list(values), np.bool_)


def _names(names: Iterable[str]) -> Names:
    numbers: dict[str, int] = {}
    column = [numbers.setdefault(name, len(numbers)) for name in names]
    return Names(numbers, np.array(column, np.int64))
