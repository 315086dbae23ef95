"""A bounded memory that callers share: who holds more than a fair share makes room, and takes nothing from another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_ROOM: Final = 0.9
"""How far a full memory is emptied, so that not every value that follows has room made for it."""


class Shares(Generic[K, V]):
    """What was kept for each owner, by key. One owner may hold all of it while nobody else needs room."""

    def __init__(self, entries_max: int) -> None:
        """Begin empty.

        Args:
            entries_max: values in all. Each owner keeps one at least, so that more owners than this hold more.
        """
        self._entries_max = entries_max
        self._owners: dict[str, OrderedDict[K, V]] = {}
        self._entries = 0

    def get(self, owner: str, key: K) -> V | None:
        """What is kept; None for nothing."""
        entries = self._owners.get(owner)
        return None if entries is None else entries.get(key)

    def put(self, owner: str, key: K, value: V) -> list[tuple[str, V]]:
        """Keep a value as the owner's newest.

        Returns:
            What was pushed out for it, each with its owner: of those above their share, their oldest.
        """
        kept = self._owners.setdefault(owner, OrderedDict())
        self._entries += key not in kept
        kept[key] = value
        kept.move_to_end(key)
        if self._entries <= self._entries_max:
            return []
        share = max(1, int(self._entries_max * _ROOM) // len(self._owners))
        return [(name, self._oldest(one)) for name, one in self._owners.items() for _ in range(len(one) - share)]

    def drop(self, owner: str, is_over: Callable[[V], bool]) -> None:
        """Drop an owner's oldest values, up to the first that is not over."""
        entries = self._owners.get(owner, OrderedDict())
        while entries and is_over(next(iter(entries.values()))):
            self._oldest(entries)

    def _oldest(self, entries: OrderedDict[K, V]) -> V:
        self._entries -= 1
        return entries.popitem(last=False)[1]
