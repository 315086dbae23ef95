"""The trees of many models, asked about one row at once: for what runs while a request waits.

Walking node by node takes a step for each level. Here every inner node is asked in one sweep; the answers of a tree's
nodes, a bit each, are a number, and a table says on which leaf a row with these answers ends. The table is made as in
QuickScorer: each node that is answered "right" strikes out the leaves on its left, and the leftmost leaf that is left
is the one.

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

NODES_MAX: Final = 8
"""Most inner nodes of a tree: its answers fit a byte, and its table has 256 rows at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A column of each array is a tree; the trees of one model lie together."""

    feature: NDArray[np.intp]
    """Which column of the input a node (row) asks about."""
    threshold: NDArray[np.float64]
    """It goes left where the value is at most this; infinity where a tree has fewer nodes than others."""
    leaf: NDArray[np.float64]
    """What a tree adds for each combination of its nodes' answers, the first node's the lowest bit; tree by tree."""
    firsts: NDArray[np.intp]
    """Where each tree's begin."""
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
            answers = (row.take(self.feature) > self.threshold).view(np.uint8)
            said = answers[-1].copy()
            for answer in answers[-2::-1]:
                said += said
                said += answer
            total[self.owners] += np.add.reduceat(self.leaf.take(self.firsts + said), self.starts)
        return total


def forest_of(models: Sequence[Trees]) -> Forest | None:
    """One forest of every model's trees; None where a tree has more than `NODES_MAX` inner nodes."""
    rows = [_laid(trees, number) for trees in models if len(trees.feature) for number in range(len(trees.feature))]
    width = max((len(nodes) for nodes, _ in rows), default=0) or 1
    if width > NODES_MAX:
        return None
    feature, threshold = np.zeros((width, len(rows)), np.intp), np.full((width, len(rows)), np.inf)
    leaf = np.zeros((len(rows), 1 << width))
    for number, (nodes, leaves) in enumerate(rows):
        for place, (column, bound, _) in enumerate(nodes):
            feature[place, number], threshold[place, number] = column, bound
        leaf[number] = np.array(leaves)[_ends([mask for _, _, mask in nodes], width)]
    counts = [len(trees.feature) for trees in models]
    owners = np.flatnonzero(counts)
    starts = np.cumsum([0, *(counts[owner] for owner in owners)])[:-1]
    bases = np.array([trees.base if len(trees.feature) else 0.0 for trees in models], np.float64)
    firsts = np.arange(len(rows), dtype=np.intp) << width
    return Forest(feature, threshold, leaf.ravel(), firsts, owners, starts.astype(np.intp), bases)


def _ends(masks: Sequence[int], width: int) -> list[int]:
    """The leaf on which each combination of answers ends."""
    left_over = [-1]
    for mask in masks:
        left_over += [each & mask for each in left_over]
    lowest = [(each & -each).bit_length() - 1 for each in left_over]
    return lowest * (1 << (width - len(masks)))  # nodes that there are not are answered "left"


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
        nodes.append((int(trees.feature[number, node]), float(trees.threshold[number, node]), ~on_the_left))
        lay(right)

    lay(0)
    return nodes, leaves
