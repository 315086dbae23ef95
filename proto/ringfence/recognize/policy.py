"""What a site looks for, and what its findings mean: a table, and the one pure function that reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ringfence.labels import PUBLIC, Category, Label, Level, join
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.finding import Finding
from ringfence.recognize.pictures import NOTHING_APPROVED, Approved
from ringfence.recognize.templates import HOSPITAL_US, TABLES, Template
from ringfence.recognize.together import Tally, Together

UNKNOWN = Label(Level.RESTRICTED, frozenset({Category.CUSTOM}))
"""What a finding counts as whose type no rule names (DESIGN.md, invariant 9)."""

LOCALES = frozenset({"us", "gb", "es", "fr", "de"})
"""Locales whose national numbers can be looked for."""


@dataclass(frozen=True, slots=True)
class Implied:
    """One thing that findings imply."""

    name: str
    """An entity type, or the name of a rule over several findings."""
    count: int
    """How many findings it stands for."""
    label: Label
    """What it adds to the join."""
    is_rule: bool
    """Whether it is a rule over several findings."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is looked for, and the label that findings imply."""

    name: str
    """Names it in the log, for example ``hospital-us``."""
    rules: Mapping[str, Label]
    """Entity type to label. A type of `ENTITIES` that is not here is not looked for."""
    locales: frozenset[str] = LOCALES
    """Which national validators run: a checksum alone proves nothing, so a site names the countries it deals with."""
    together: tuple[Together, ...] = ()
    """What several findings mean beyond each alone."""
    pictures: Approved = NOTHING_APPROVED
    """Pictures that the site knows to be public; all others count as RESTRICTED, for nothing reads them."""

    @classmethod
    def of(cls, template: Template) -> Policy:
        """A template as it ships."""
        return cls(template.name, template.rules, template.locales, template.together)

    def wants(self, entity_type: str) -> bool:
        """Whether findings of `entity_type` count; those of a type that nobody knows always do."""
        return entity_type in self.rules or entity_type not in ENTITIES

    def label_of_type(self, entity_type: str) -> Label:
        """What one finding of `entity_type` means by itself; PUBLIC where it is not looked for."""
        return self.rules.get(entity_type, UNKNOWN) if self.wants(entity_type) else PUBLIC

    def replaces(self, entity_type: str) -> bool:
        """Whether `entity_type` must be replaced before it leaves: it identifies somebody by itself."""
        return self.rules.get(entity_type, UNKNOWN).level >= Level.CONFIDENTIAL

    def takes(self, entity_type: str) -> bool:
        """Whether findings of `entity_type` count and must be replaced."""
        return self.wants(entity_type) and self.replaces(entity_type)

    def implied(self, tally: Tally) -> tuple[Implied, ...]:
        """What each type among findings that come to `tally` implies, by name, then each rule over several that holds.

        More findings only add to it.
        """
        counts, rules = tally.by_type, self.rules
        if not counts:
            return ()
        alone = [Implied(name, counts[name], rules.get(name, UNKNOWN), is_rule=False) for name in sorted(counts)]
        held = [row for row in self.together if row.holds(tally)]
        return (*alone, *(Implied(row.name, row.count(tally), row.label, is_rule=True) for row in held))

    def label_of(self, findings: Iterable[Finding]) -> Label:
        """The join of what `findings` imply, alone and together; PUBLIC for none.

        More findings never lower it. A finding of a type that no rule names counts as RESTRICTED.
        """
        return join(one.label for one in self.implied(Tally.of(findings)))

    def staying(self, tally: Tally) -> Tally:
        """The part of `tally` that de-identification leaves: types that it does not replace."""
        left = {name: count for name, count in tally.by_type.items() if not self.replaces(name)}
        return Tally(left, tally.formats)

    def document(self) -> dict[str, object]:
        """The whole table in plain values, sorted: what a digest of the policy stands for."""
        return {
            "name": self.name,
            "locales": sorted(self.locales),
            "rules": {name: str(label) for name, label in sorted(self.rules.items())},
            "together": [
                {
                    "name": row.name,
                    "types": sorted(row.types),
                    "kinds_min": row.kinds_min,
                    "count_min": row.count_min,
                    "beside": sorted(row.beside),
                    "formats": sorted(row.formats),
                    "label": str(row.label),
                }
                for row in self.together
            ],
        }


TEMPLATES: Mapping[str, Policy] = MappingProxyType({template.name: Policy.of(template) for template in TABLES})
"""Shipped defaults by name."""

DEFAULT = TEMPLATES[HOSPITAL_US.name]
"""What a site that names no template gets."""
