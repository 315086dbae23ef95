"""What was measured: a value for each quantity, side and repetition."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Record:
    """Grows while the benchmark runs."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """Quantity, side, one value for each repetition. Units stand last in a quantity's name."""
    requests: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """Side, then completed, unfinished and each status, over all measurements."""
    notes: list[str] = field(default_factory=list)
    """What a reader has to know."""

    def add(self, quantity: str, side: str, value: float) -> None:
        """Keep one repetition's value."""
        self.values[quantity][side].append(value)

    def count(self, side: str, result: dict[str, Any]) -> None:
        """Keep what became of the requests of one measurement."""
        counts = self.requests[side]
        counts["completed"] += result["completed"]
        counts["unfinished"] += result["unfinished"]
        for status, number in result["failed"].items():
            counts[status] += number

    def get(self, quantity: str, side: str) -> list[float]:
        """Every repetition's value; none where it was not measured."""
        return self.values.get(quantity, {}).get(side, [])
