"""Rules over several findings: what they mean together beyond what each means alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ringfence.labels import Label
from ringfence.recognize.finding import Finding


@dataclass(frozen=True, slots=True)
class Tally:
    """What rules look at: findings counted, without their places."""

    by_type: Mapping[str, int]
    """How many findings there are of each entity type; only of those that there are."""
    formats: frozenset[str] = frozenset()
    """Formats of structured payloads that fields were found by: what stands before the colon in a recogniser's name,
    for example ``hl7`` in ``hl7:PID-5``."""

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Tally:
        """Count `findings`."""
        findings = tuple(findings)
        return cls(Counter(found.entity_type for found in findings), formats_of(findings))


def formats_of(findings: Iterable[Finding]) -> frozenset[str]:
    """The words before the colon in the names of the recognisers that made `findings`."""
    return frozenset(found.recogniser.partition(":")[0] for found in findings)


@dataclass(frozen=True, slots=True)
class Together:
    """One row: where all its conditions hold, its label counts too.

    Conditions are lower bounds, so further findings can only make a row hold, never stop it from holding.
    """

    name: str
    """Names it in a plan, for example ``several-quasi-identifiers``."""
    types: frozenset[str]
    """Entity types that count for it."""
    label: Label
    """What they mean together."""
    kinds_min: int = 1
    """So many different types of `types` must be among the findings."""
    count_min: int = 1
    """So many findings of one of `types` must be among them. Mentions are counted: a finding holds no text that could
    tell whether two of them are the same person."""
    beside: frozenset[str] = frozenset()
    """A finding of one of these types must be among them too; empty for none."""
    formats: frozenset[str] = frozenset()
    """A field of one of these formats must have been found, for example ``fhir``; empty for none."""
    source: str = ""
    """The law, standard or paper that it comes from."""

    def holds(self, tally: Tally) -> bool:
        """Whether findings that come to `tally` fulfil it."""
        found = [tally.by_type[name] for name in self.types if name in tally.by_type]
        return (
            len(found) >= max(1, self.kinds_min)
            and max(found, default=0) >= self.count_min
            and (not self.beside or not self.beside.isdisjoint(tally.by_type))
            and (not self.formats or not self.formats.isdisjoint(tally.formats))
        )

    def count(self, tally: Tally) -> int:
        """How many findings of `types` there are."""
        return sum(tally.by_type.get(name, 0) for name in self.types)

    @property
    def threshold(self) -> int:
        """The number that a site may set: of different types where several are asked for, else of findings."""
        return self.kinds_min if self.kinds_min > 1 else self.count_min

    def at(self, threshold: int) -> Together:
        """The same row with another threshold."""
        return replace(self, kinds_min=threshold) if self.kinds_min > 1 else replace(self, count_min=threshold)
