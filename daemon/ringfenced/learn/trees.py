"""Boosted trees as plain arrays, walked all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.outcome import BadState
from ringfenced.learn.packed import Arrays

DEPTH_MAX: Final = 16
"""Deepest tree that is accepted."""
_AXES: Final = 2
ROWS_AT_ONCE: Final = 512
"""Rows walked together: with some hundred trees this stays in a processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """The sum of many small trees. A row of each array is a tree, a column a node; a leaf leads to itself."""

    feature: NDArray[np.intp]
    """Which column of the input a node asks about."""
    threshold: NDArray[np.float64]
    """It goes left where the value is at most this."""
    left: NDArray[np.intp]
    """The node on the left, by its place in all arrays laid flat."""
    right: NDArray[np.intp]
    """Likewise on the right."""
    value: NDArray[np.float64]
    """What a leaf adds."""
    base: float
    """What is added to the sum."""
    depth: int
    """Steps from a root to the farthest leaf."""

    def walked(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """The sum for each row of inputs (rows by columns)."""
        count = len(self.feature)
        if not count:
            return np.full(len(rows), self.base)
        parts = [self._walked(rows[start : start + ROWS_AT_ONCE]) for start in range(0, len(rows), ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _walked(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        left, right = self.left.ravel(), self.right.ravel()
        roots = np.arange(0, self.feature.size, self.feature.shape[1])
        node = np.broadcast_to(roots, (len(rows), len(roots)))
        across = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            node = np.where(rows[across, feature[node]] <= threshold[node], left[node], right[node])
        total: NDArray[np.float64] = self.value.ravel()[node].sum(axis=1) + self.base
        return total

    def walked_one(self, row: NDArray[Any]) -> float:
        """The sum for one row: less to do than `walked`, for what runs while a request waits."""
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        left, right = self.left.ravel(), self.right.ravel()
        node = np.arange(0, self.feature.size, self.feature.shape[1])
        for _ in range(self.depth):
            goes_left = row.take(feature.take(node)) <= threshold.take(node)
            node = np.where(goes_left, left.take(node), right.take(node))
        return float(self.value.ravel().take(node).sum()) + self.base

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What is to be kept, under names that begin with `name`."""
        return {
            f"{name}.feature": self.feature.astype(np.int16),
            f"{name}.threshold": self.threshold,
            f"{name}.left": self.left.astype(np.int32),
            f"{name}.right": self.right.astype(np.int32),
            f"{name}.value": self.value.astype(np.float32),
            f"{name}.base": np.array([self.base, self.depth], np.float64),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays, name: str, columns: int) -> Trees:
        """Read what `arrays` wrote.

        Args:
            arrays: all that were kept.
            name: with which theirs begin.
            columns: of the input; no node may ask about another.

        Raises:
            BadState: something is missing, or leads out of the arrays.
        """
        try:
            feature, left, right = (arrays[f"{name}.{part}"].astype(np.intp) for part in ("feature", "left", "right"))
            threshold, value = (arrays[f"{name}.{part}"].astype(np.float64) for part in ("threshold", "value"))
            base, depth = arrays[f"{name}.base"].astype(np.float64)
        except (KeyError, ValueError) as error:
            raise BadState("trees are missing from learned state; refit it from the outcomes") from error
        shapes = {part.shape for part in (feature, left, right, threshold, value)}
        if len(shapes) != 1 or feature.ndim != _AXES or not 0 <= depth <= DEPTH_MAX:
            raise BadState("trees of unequal arrays in learned state; refit it from the outcomes")
        for part, bound in ((feature, columns), (left, feature.size), (right, feature.size)):
            if part.size and not (part.min() >= 0 and part.max() < bound):
                raise BadState("trees in learned state lead out of it; refit it from the outcomes")
        if not (np.isfinite(value).all() and np.isfinite(base)) or np.isnan(threshold).any():
            raise BadState("trees in learned state hold what is no number; refit it from the outcomes")
        return cls(feature, threshold, left, right, value, float(base), int(depth))


def no_trees(base: float) -> Trees:
    """A sum of nothing but its base."""
    empty, numbers = np.zeros((0, 1), np.intp), np.zeros((0, 1), np.float64)
    return Trees(empty, numbers, empty, empty, numbers, base, 0)
