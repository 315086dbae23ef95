"""Rules over several findings: what they mean together beyond what each means alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ringfence.labels import Label


@dataclass(frozen=True, slots=True)
class Together:
    """One row: where all its conditions hold, its label counts too.

    Conditions are lower bounds on counts, so further findings can only make a row hold, never stop it from holding.
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
    source: str = ""
    """The law, standard or paper that it comes from."""

    def holds(self, counts: Mapping[str, int]) -> bool:
        """Whether findings that number `counts` by entity type fulfil it."""
        most, kinds = self._measure(counts)
        return (
            kinds >= max(1, self.kinds_min)
            and most >= self.count_min
            and (not self.beside or any(counts.get(entity_type, 0) for entity_type in self.beside))
        )

    def count(self, counts: Mapping[str, int]) -> int:
        """How many findings of `types` there are."""
        return sum(counts.get(entity_type, 0) for entity_type in self.types)

    @property
    def threshold(self) -> int:
        """The number that a site may set: of different types where several are asked for, else of findings."""
        return self.kinds_min if self.kinds_min > 1 else self.count_min

    def at(self, threshold: int) -> Together:
        """The same row with another threshold."""
        return replace(self, kinds_min=threshold) if self.kinds_min > 1 else replace(self, count_min=threshold)

    def _measure(self, counts: Mapping[str, int]) -> tuple[int, int]:
        """The largest count of one of `types`, and how many of them were found."""
        found = [counts[entity_type] for entity_type in self.types if counts.get(entity_type, 0)]
        return max(found, default=0), len(found)
