"""How many cells of the cache are taken, by whom, and how many are promised. Pure.

A cell holds one token of one sequence or of several that begin alike: a sequence can begin with the first cells of
another one instead of computing them again. Such cells count once, and stay until the last of their sequences ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count


class Cells:
    """The account of one cache."""

    def __init__(self, cells: int) -> None:
        """Begin with an empty cache.

        Args:
            cells: how many it has.
        """
        self.cells = cells
        """How many there are."""
        self.used = 0
        """How many hold something."""
        self._promised = 0
        self._runs: dict[int, list[tuple[int, int]]] = {}
        """Of each sequence: the runs of cells that it consists of, in order: an identity, and how many."""
        self._promises: dict[int, int] = {}
        self._identities = count()

    @property
    def free(self) -> int:
        """Cells that neither hold something nor are promised."""
        return self.cells - self.used - self._promised

    def length(self, owner: int) -> int:
        """Return how many cells a sequence has."""
        return sum(length for _, length in self._runs[owner])

    def begin(self, owner: int, *, length_max: int, donor: int = -1, shared: int = 0) -> None:
        """Begin a sequence and promise it its cells; may leave `free` below 0, which the caller then puts right.

        Args:
            owner: its number.
            length_max: how long it may become.
            donor: a sequence that it begins like; -1 for none.
            shared: how many of that one's first cells it shares.
        """
        assert owner not in self._runs
        assert shared <= length_max
        runs: list[tuple[int, int]] = []
        rest = shared
        for identity, length in self._runs[donor] if shared else ():
            runs.append((identity, min(length, rest)))
            rest -= runs[-1][1]
            if not rest:
                break
        assert not rest, "the donor is as long as what it shares"
        self._runs[owner] = [*runs, (next(self._identities), 0)]
        self._promises[owner] = length_max - shared
        self._promised += length_max - shared

    def grow(self, owner: int, cells: int) -> None:
        """Note that a sequence got so many more of the cells that it was promised."""
        self._promises[owner] -= cells
        assert self._promises[owner] >= 0
        self._promised -= cells
        self.used += cells
        runs = self._runs[owner]
        identity, length = runs[-1]
        runs[-1] = (identity, length + cells)

    def settle(self, owner: int) -> None:
        """Take back what a sequence was promised and did not need; it stays as it is."""
        self._promised -= self._promises[owner]
        self._promises[owner] = 0

    def end(self, owner: int) -> None:
        """Take a sequence out; cells that others share with it stay."""
        self.settle(owner)
        del self._promises[owner]
        runs = self._runs.pop(owner)
        shared = max((_shared(runs, others) for others in self._runs.values()), default=0)
        self.used -= sum(length for _, length in runs) - shared

    def held_by(self, owners: Iterable[int]) -> int:
        """Return how many cells these sequences hold together, each counted once."""
        total = 0
        seen: list[list[tuple[int, int]]] = []
        for owner in owners:
            runs = self._runs[owner]
            shared = max((_shared(runs, others) for others in seen), default=0)
            total += sum(length for _, length in runs) - shared
            seen.append(runs)
        return total


def _shared(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> int:
    """Return how many first cells two sequences share: sequences share their beginnings, and nothing after them."""
    shared = 0
    for (identity, length), (other_identity, other_length) in zip(one, other, strict=False):
        if identity != other_identity:
            break
        shared += min(length, other_length)
        if length != other_length:
            break
    return shared
