"""The lattice of labels: how sensitive content is, and what may receive it.

A label is an element of `Level` x the subsets of `Category`. Labels form a join semilattice: `join` takes the higher
level and the union of the categories, is associative, commutative and idempotent, and `Label()` is its bottom.
Nothing in this module lowers a label; only de-identification does (see ``ringfenced.deidentify``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How sensitive content is; ordered."""

    PUBLIC = 1
    INTERNAL = 2
    CONFIDENTIAL = 3
    RESTRICTED = 4


class Category(StrEnum):
    """What kind of sensitive content it is."""

    PHI = "PHI"
    """Protected health information (45 CFR 160.103)."""
    PII = "PII"
    """Personal data that identifies someone."""
    PCI = "PCI"
    """Cardholder data (PCI DSS v4.0)."""
    FINANCIAL = "FINANCIAL"
    """Account numbers and the like."""
    SECRET = "SECRET"  # noqa: S105 - the name of a category, not a secret
    """Keys, passwords, tokens."""
    CUSTOM = "CUSTOM"
    """What a site's own rules find."""


@dataclass(frozen=True, slots=True)
class Label:
    """The label of a payload."""

    level: Level = Level.PUBLIC
    """How sensitive it is."""
    categories: frozenset[Category] = frozenset()
    """What kinds of sensitive content it holds."""

    def __str__(self) -> str:
        """Print as people write it, for example ``CONFIDENTIAL {PHI, PII}``."""
        names = ", ".join(sorted(self.categories))
        return f"{self.level.name} {{{names}}}" if names else self.level.name


PUBLIC = Label()
"""The lattice's bottom."""

RESTRICTED = Label(Level.RESTRICTED)
"""What cannot be scanned counts as this (DESIGN.md, invariant 8)."""


def join(labels: Iterable[Label]) -> Label:
    """The least label that is at least each of `labels`; the bottom, PUBLIC, for none."""
    level = Level.PUBLIC
    categories: frozenset[Category] = frozenset()
    for label in labels:
        level = max(level, label.level)
        categories |= label.categories
    return Label(level, categories)


def meet(one: Label, other: Label) -> Label:
    """The greatest label that both cover: what two clearances have in common."""
    return Label(min(one.level, other.level), one.categories & other.categories)


def covers(upper: Label, lower: Label) -> bool:
    """Whether `upper` is at least `lower`: the lattice's order."""
    return lower.level <= upper.level and lower.categories <= upper.categories


def may_leave(label: Label, clearance: Label) -> bool:
    """Whether content under `label` may go to a receiver cleared for `clearance`.

    RESTRICTED content never may, whatever the clearance says: the floor that no configuration turns off.
    """
    return label.level < Level.RESTRICTED and covers(clearance, label)
