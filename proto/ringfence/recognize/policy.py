"""What a site looks for, and what a finding of it means: a table from entity type to label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ringfence.labels import Category, Label, Level, join
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.finding import Finding

UNKNOWN = Label(Level.RESTRICTED, frozenset({Category.CUSTOM}))
"""What a finding counts as whose type no rule names (DESIGN.md, invariant 9)."""

LOCALES = frozenset({"us", "gb", "es", "fr", "de"})
"""Locales whose national numbers can be looked for."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is looked for, and the label that each finding implies."""

    name: str
    """Names it in the log, for example ``hospital-us``."""
    rules: Mapping[str, Label]
    """Entity type to label. A type of `ENTITIES` that is not here is not looked for."""
    locales: frozenset[str] = LOCALES
    """Which national validators run: a checksum alone proves nothing, so a site names the countries it deals with."""

    def wants(self, entity_type: str) -> bool:
        """Whether findings of `entity_type` count; those of a type that nobody knows always do."""
        return entity_type in self.rules or entity_type not in ENTITIES

    def replaces(self, entity_type: str) -> bool:
        """Whether `entity_type` must be replaced before it leaves: it identifies somebody by itself."""
        return self.rules.get(entity_type, UNKNOWN).level >= Level.CONFIDENTIAL

    def label_of(self, findings: Iterable[Finding]) -> Label:
        """The join of the labels that `findings` imply; PUBLIC for none. An unknown type counts as RESTRICTED."""
        return join(self.rules.get(entity_type, UNKNOWN) for entity_type in {found.entity_type for found in findings})


_SAFE_HARBOR_LETS_STAND = frozenset({"AGE_UNDER_90", "SEX", "KINSHIP", "PROFESSION", "NATIONALITY", "COUNTRY", "YEAR"})

TEMPLATES: Mapping[str, Policy] = MappingProxyType(
    {
        policy.name: policy
        for policy in (
            Policy(
                "hospital-us",
                MappingProxyType(
                    {name: label for name, label in ENTITIES.items() if name not in _SAFE_HARBOR_LETS_STAND}
                ),
            ),
            Policy("hospital-eu", ENTITIES),
            Policy("bank-us", ENTITIES),
            Policy("bank-eu", ENTITIES),
        )
    }
)
"""Shipped defaults by name."""

DEFAULT = TEMPLATES["hospital-us"]
"""What a site that names no template gets."""
