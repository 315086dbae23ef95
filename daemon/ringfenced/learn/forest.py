"""The trees of many models, asked about one row at once: for what runs while a request waits.

Walking node by node takes a step for each level. Here every inner node is asked in one sweep; each that is answered
"right" strikes out the leaves on its left, and the leftmost leaf that is left is where the row ends.

Source: Lucchese et al., QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees
(SIGIR 2015, doi 10.1145/2766462.2767733).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.outcome import BadState
from ringfenced.learn.trees import Trees

LEAVES_MAX: Final = 16
"""Most leaves of a tree: one bit each."""
_ALL: Final = np.uint16(0xFFFF)
_LOWEST: Final = np.array([0, *((mask & -mask).bit_length() - 1 for mask in range(1, 1 << LEAVES_MAX))], np.intp)
"""The place of the lowest bit of every mask."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A column of each array is a tree; the trees of one model lie together."""

    feature: NDArray[np.intp]
    """Which column of the input a node (row) asks about."""
    threshold: NDArray[np.float64]
    """It goes left where the value is at most this; infinity where a tree has fewer nodes than others."""
    struck: NDArray[np.uint16]
    """The leaves that are left once it went right, a bit each, the leftmost the lowest."""
    leaf: NDArray[np.float64]
    """What each leaf adds, `LEAVES_MAX` a tree, one tree after the other."""
    firsts: NDArray[np.intp]
    """The place of each tree's first leaf."""
    owners: NDArray[np.intp]
    """Places of the models that have trees."""
    starts: NDArray[np.intp]
    """The first tree of each of these."""
    bases: NDArray[np.float64]
    """What is added to each model's sum; a column a model."""

    def walked(self, row: NDArray[Any]) -> NDArray[np.float64]:
        """Each model's sum for one row of inputs; zero for a model without trees."""
        total = self.bases.copy()
        if len(self.owners):
            left_over = np.where(row.take(self.feature) > self.threshold, self.struck, _ALL)
            ends = self.firsts + _LOWEST.take(np.bitwise_and.reduce(left_over, axis=0))
            total[self.owners] += np.add.reduceat(self.leaf.take(ends), self.starts)
        return total


def forest_of(models: Sequence[Trees]) -> Forest | None:
    """One forest of every model's trees; None where a tree has more than `LEAVES_MAX` leaves."""
    rows = [_laid(trees, number) for trees in models if len(trees.feature) for number in range(len(trees.feature))]
    if any(len(leaves) > LEAVES_MAX for _, leaves in rows):
        return None
    width = max((len(nodes) for nodes, _ in rows), default=0) or 1
    feature, threshold = np.zeros((width, len(rows)), np.intp), np.full((width, len(rows)), np.inf)
    struck, leaf = np.full((width, len(rows)), _ALL, np.uint16), np.zeros((len(rows), LEAVES_MAX))
    for number, (nodes, leaves) in enumerate(rows):
        for place, (column, bound, mask) in enumerate(nodes):
            feature[place, number], threshold[place, number], struck[place, number] = column, bound, mask
        leaf[number, : len(leaves)] = leaves
    counts = [len(trees.feature) for trees in models]
    owners = np.flatnonzero(counts)
    starts = np.cumsum([0, *(counts[owner] for owner in owners)])[:-1]
    bases = np.array([trees.base if len(trees.feature) else 0.0 for trees in models], np.float64)
    firsts = np.arange(len(rows), dtype=np.intp) * LEAVES_MAX
    return Forest(feature, threshold, struck, leaf.ravel(), firsts, owners, starts.astype(np.intp), bases)


def _laid(trees: Trees, number: int) -> tuple[list[tuple[int, float, int]], list[float]]:
    """One tree as its inner nodes (column, bound, leaves that are left when it goes right), and its leaves in order."""
    width = trees.feature.shape[1]
    nodes: list[tuple[int, float, int]] = []
    leaves: list[float] = []

    def lay(node: int) -> None:
        if len(nodes) + len(leaves) > width:  # more than there are: it leads back to where it was
            raise BadState("trees in learned state lead in a circle; refit it from the outcomes")
        left, right = int(trees.left[number, node]) % width, int(trees.right[number, node]) % width
        if left == node:
            leaves.append(float(trees.value[number, node]))
            return
        first = len(leaves)
        lay(left)
        on_the_left = ((1 << len(leaves)) - 1) & ~((1 << first) - 1)
        nodes.append((int(trees.feature[number, node]), float(trees.threshold[number, node]), 0xFFFF & ~on_the_left))
        lay(right)

    lay(0)
    return nodes, leaves
