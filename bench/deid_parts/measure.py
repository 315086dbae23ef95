"""Runs one side over one corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deid_parts.profiles import Profile, asked_for
from deid_parts.score import Gold, Row, Tally, overlap, score, stripped, union
from deid_parts.sides import Side
from flow_parts.stats import percentile

CONTEXT = 24
"""Characters shown either side of a miss."""


@dataclass(slots=True)
class Miss:
    """One thing that went wrong."""

    kind: str
    """A label that was missed, or the type of a false alarm."""
    shown: str
    """It in its context, between ``>>`` and ``<<``."""


@dataclass(slots=True)
class Result:
    """What one side did on one corpus."""

    tally: Tally = field(default_factory=Tally)
    """What was found."""
    documents: int = 0
    """How many were read."""
    size_bytes: int = 0
    """Of all texts in UTF-8."""
    wall_ms: list[float] = field(default_factory=list)
    """A document's time, each."""
    cpu_ms: list[float] = field(default_factory=list)
    """A document's CPU time, each."""
    policies: Counter[str] = field(default_factory=Counter)
    """Documents under each policy."""
    misses: list[Miss] = field(default_factory=list)
    """Entities that are not covered."""
    alarms: list[Miss] = field(default_factory=list)
    """Findings that hold no character of an entity."""

    @property
    def kb_per_s(self) -> float:
        """Thousands of bytes a second of CPU time."""
        return self.size_bytes / max(sum(self.cpu_ms), 1e-9)

    def p(self, share: float) -> float:
        """A percentile of a document's time, in ms."""
        return percentile(self.wall_ms, share)

    def p_cpu(self, share: float) -> float:
        """A percentile of a document's CPU time, in ms."""
        return percentile(self.cpu_ms, share)


def measure(rows: Sequence[Row], side: Side, profile: Profile, tick: Callable[[], None] = lambda: None) -> Result:
    """Let `side` read `rows`.

    Args:
        rows: a corpus.
        side: who reads.
        profile: under which policy, and what is asked for.
        tick: called after each document.
    """
    result = Result()
    for given in rows:
        row, policy = asked_for(given, profile), profile.policy_of(given.lang)
        found = side.find(row.text, row.lang, policy)
        judged = [span for span in found.spans if profile.judges(span[2])]
        aside = [span for span in found.spans if not profile.judges(span[2])]
        result.tally += score(row, [span[:2] for span in judged], [span[:2] for span in aside])
        result.documents += 1
        result.size_bytes += len(row.text.encode("utf-8", "replace"))
        result.wall_ms.append(found.wall_ms)
        result.cpu_ms.append(found.cpu_ms)
        result.policies[policy] += 1
        result.misses += _missed(row, [span[:2] for span in found.spans])
        result.alarms += _alarms(row, judged)
        tick()
    return result


def _missed(row: Row, found: Sequence[tuple[int, int]]) -> list[Miss]:
    reach = union(found)
    missed = []
    for entity in (stripped(row.text, entity) for entity in row.gold):
        held = overlap([(entity.start, entity.end)], reach)
        if held != [(entity.start, entity.end)]:
            how = "in part" if held else "missed"
            missed.append(Miss(f"{entity.label} {how}", shown(row.text, entity)))
    return missed


def _alarms(row: Row, found: Sequence[tuple[int, int, str]]) -> list[Miss]:
    kept = union([*((entity.start, entity.end) for entity in row.gold), *row.optional])
    return [
        Miss(label, shown(row.text, Gold(start, end, label, "")))
        for start, end, label in found
        if not overlap([(start, end)], kept)
    ]


def shown(text: str, place: Gold) -> str:
    """A place with some of what stands round it, on one line."""
    before, after = text[max(0, place.start - CONTEXT) : place.start], text[place.end : place.end + CONTEXT]
    return f"{before}>>{text[place.start : place.end]}<<{after}".replace("\n", "⏎")
