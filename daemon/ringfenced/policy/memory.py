"""A bounded memory of what was worked out before: the least lately used goes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Key to value, at most so many. For one thread."""

    def __init__(self, entries_max: int) -> None:
        """Begin empty."""
        self._entries_max = entries_max
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """What is remembered; None for nothing."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> V:
        """Remember, and give it back."""
        self._kept[key] = value
        if len(self._kept) > self._entries_max:
            self._kept.popitem(last=False)
        return value
