"""What is said of a recogniser: pure functions over a text, the spans that it holds and the spans that were found.

The definitions, all type-agnostic, so that a name taken for a place is found:

- An entity is **covered** where every one of its characters lies in the union of all predictions; white space at its
  ends aside, nothing is forgiven. It is **touched** where one does.
- ``recall``: covered entities of all entities. ``recall_any``: touched ones. ``recall_chars``: characters of entities
  (of their union) that lie in predictions.
- ``precision``: characters of predictions (of their union) that lie in entities. Neither right nor wrong are those in
  spans that need not be found (`Row.optional`).
- A document is **held back** where anything is predicted; what lies in optional spans alone, or is of a type that the
  corpus does not speak of (`aside`), does not count.
- ``documents_missed``: of documents with entities, the share that is not held back. ``documents_leaking``: the share
  in which at least one entity is not covered. ``false_alarms``: of documents without entities, the share held back.

All shares are from 0 to 1, and None where there is nothing to share out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Interval = tuple[int, int]
"""First character and one past the last."""


class Gold(NamedTuple):
    """One entity that should be found."""

    start: int
    """First character."""
    end: int
    """One past the last."""
    label: str
    """The corpus's own word for it."""
    group: str
    """PERSON, LOC, ORG, DATE, AGE, CONTACT, ID or OTHER."""


@dataclass(frozen=True, slots=True)
class Row:
    """One document of a corpus."""

    text: str
    """As a recogniser gets it."""
    lang: str
    """ISO 639-1."""
    gold: tuple[Gold, ...]
    """What should be found."""
    optional: tuple[Interval, ...] = ()
    """What need not be found and does no harm if it is."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over documents; tallies add up."""

    with_entities: int = 0
    """Documents that hold entities."""
    missed: int = 0
    """Of those, not held back."""
    leaking: int = 0
    """Of those, with an entity that is not covered."""
    without_entities: int = 0
    """Documents that hold none."""
    alarms: int = 0
    """Of those, held back."""
    gold_chars: int = 0
    """Characters of entities."""
    gold_chars_found: int = 0
    """Of those, in predictions."""
    predicted_chars: int = 0
    """Characters of predictions, those in optional spans aside."""
    predicted_chars_right: int = 0
    """Of those, in entities."""
    entities: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Entities by label and group."""
    covered: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of those, covered."""
    touched: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of those, touched."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.with_entities + other.with_entities,
            self.missed + other.missed,
            self.leaking + other.leaking,
            self.without_entities + other.without_entities,
            self.alarms + other.alarms,
            self.gold_chars + other.gold_chars,
            self.gold_chars_found + other.gold_chars_found,
            self.predicted_chars + other.predicted_chars,
            self.predicted_chars_right + other.predicted_chars_right,
            self.entities + other.entities,
            self.covered + other.covered,
            self.touched + other.touched,
        )

    @property
    def recall(self) -> float | None:
        """Covered entities of all."""
        return share(self.covered.total(), self.entities.total())

    @property
    def recall_any(self) -> float | None:
        """Touched entities of all."""
        return share(self.touched.total(), self.entities.total())

    @property
    def recall_chars(self) -> float | None:
        """Characters of entities that were found."""
        return share(self.gold_chars_found, self.gold_chars)

    @property
    def precision(self) -> float | None:
        """Characters found that belong to entities; None where there is no entity that they could belong to."""
        return share(self.predicted_chars_right, self.predicted_chars) if self.gold_chars else None

    @property
    def documents_missed(self) -> float | None:
        """Documents with entities that nothing holds back."""
        return share(self.missed, self.with_entities)

    @property
    def documents_leaking(self) -> float | None:
        """Documents with an entity that is not covered."""
        return share(self.leaking, self.with_entities)

    @property
    def false_alarms(self) -> float | None:
        """Documents without entities that are held back."""
        return share(self.alarms, self.without_entities)

    def recall_of(self, *, label: str | None = None, group: str | None = None) -> float | None:
        """Covered entities of all of one label or group."""
        keys = [key for key in self.entities if label in (None, key[0]) and group in (None, key[1])]
        return share(sum(self.covered[key] for key in keys), sum(self.entities[key] for key in keys))


def share(part: int, whole: int) -> float | None:
    """`part` of `whole`; None of nothing."""
    return part / whole if whole else None


def score(row: Row, predicted: Iterable[Interval], aside: Iterable[Interval] = ()) -> Tally:
    """The tally of one document.

    Args:
        row: the document; its spans lie within its text.
        predicted: what was found, in any order, overlapping or not; what lies outside of the text does not count.
        aside: what was found too, but is of a type that the corpus does not speak of: it covers entities, and is
            neither right nor wrong elsewhere.
    """
    size = len(row.text)
    sure = union((max(0, start), min(size, end)) for start, end in predicted)
    found = union([*sure, *((max(0, start), min(size, end)) for start, end in aside)])
    gold = [entity for entity in (stripped(row.text, entity) for entity in row.gold) if entity.start < entity.end]
    wanted = union((entity.start, entity.end) for entity in gold)
    right = overlap(found, wanted)
    judged = union([*without(sure, union(row.optional)), *right])
    entities: Counter[tuple[str, str]] = Counter()
    covered: Counter[tuple[str, str]] = Counter()
    touched: Counter[tuple[str, str]] = Counter()
    for entity in gold:
        key, place = (entity.label, entity.group), [(entity.start, entity.end)]
        entities[key] += 1
        covered[key] += not without(place, found)
        touched[key] += bool(overlap(place, found))
    return Tally(
        with_entities=int(bool(gold)),
        missed=int(bool(gold) and not judged),
        leaking=int(covered.total() < entities.total()),
        without_entities=int(not gold),
        alarms=int(not gold and bool(judged)),
        gold_chars=length(wanted),
        gold_chars_found=length(right),
        predicted_chars=length(judged),
        predicted_chars_right=length(right),
        entities=entities,
        covered=+covered,
        touched=+touched,
    )


def stripped(text: str, entity: Gold) -> Gold:
    """`entity` without white space at its ends."""
    held = text[entity.start : entity.end]
    start = entity.start + len(held) - len(held.lstrip())
    return entity._replace(start=start, end=max(start, entity.start + len(held.rstrip())))


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """`intervals` sorted, those that meet made one; empty ones fall away."""
    merged: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def overlap(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """What lies in both; each sorted and without overlaps."""
    shared: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            shared.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return shared


def without(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """What lies in `left` and not in `right`; each sorted and without overlaps."""
    kept: list[Interval] = []
    j = 0
    for start, end in left:
        at = start
        while j < len(right) and right[j][1] <= at:
            j += 1
        k = j
        while k < len(right) and right[k][0] < end:
            if at < right[k][0]:
                kept.append((at, right[k][0]))
            at = max(at, right[k][1])
            k += 1
        if at < end:
            kept.append((at, end))
    return kept


def length(intervals: Iterable[Interval]) -> int:
    """Characters in `intervals`, which do not overlap."""
    return sum(end - start for start, end in intervals)
