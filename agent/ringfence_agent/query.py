"""Which entries of the log somebody asks for. Pure: entries in, yes or no out.

An entry is canonical JSON (docs/egress-log.md): a wanted value stands in it in one form only, so that most entries are
passed over by a search for bytes, and only what holds them all is parsed. Times never go back from entry to entry, so
that the first one of a time is found by halving, and a search ends with the last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ringfence.labels import Level

NAMES: Final = ("caller", "department", "kind", "model", "provider", "request_id")
"""Fields that a query may name: an entry that has one has it at its top level, as a string."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for; every condition must hold."""

    since_unix_ms: int = 0
    """The entry is not older."""
    until_unix_ms: int = 0
    """The entry is older; 0 for no bound."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Exact values by field, of `NAMES`."""
    level_min: Level | None = None
    """The label after de-identification is at least this; what bears no label does not match."""

    def __post_init__(self) -> None:
        """Refuse a field that entries do not have."""
        assert set(self.named) <= set(NAMES)

    def needles(self) -> tuple[bytes, ...]:
        """What stands in every entry that matches."""
        return tuple(f'"{name}":{json.dumps(value, ensure_ascii=False)}'.encode() for name, value in self.named.items())

    def filter(self) -> Callable[[bytes], bool]:
        """Whether an entry matches; made once for many entries."""
        if self == Query():
            return lambda _entry: True
        needles = self.needles()
        return lambda entry: all(needle in entry for needle in needles) and self._matches(json.loads(entry))

    def over(self, entry: bytes) -> bool:
        """Whether neither this entry nor any later one can match."""
        return bool(self.until_unix_ms) and time_of(json.loads(entry)) >= self.until_unix_ms

    def _matches(self, record: Mapping[str, object]) -> bool:
        """The whole question, to what an entry says."""
        time = time_of(record)
        return (
            time >= self.since_unix_ms
            and (not self.until_unix_ms or time < self.until_unix_ms)
            and all(record.get(name) == value for name, value in self.named.items())
            and (self.level_min is None or _level(record) >= self.level_min)
        )


def time_of(record: Mapping[str, object]) -> int:
    """When an entry was written, in Unix milliseconds."""
    time = record["time_unix_ms"]
    assert isinstance(time, int)
    return time


def first_since(read: Callable[[int], bytes], low: int, high: int, unix_ms: int) -> int:
    """The first index from `low` on whose entry is not older than `unix_ms`; `high` where there is none.

    Args:
        read: the bytes of an entry.
        low: where to begin.
        high: one past the last entry.
        unix_ms: a time; entries' times never go back.
    """
    while low < high:
        middle = (low + high) // 2
        if time_of(json.loads(read(middle))) < unix_ms:
            low = middle + 1
        else:
            high = middle
    return low


def _level(record: Mapping[str, object]) -> int:
    """How sensitive what left was, by the daemon's word; 0 where the entry bears no label."""
    label = record.get("label")
    name = label.get("level") if isinstance(label, dict) else None
    return Level[name] if isinstance(name, str) and name in Level.__members__ else 0
