"""How much one department's word counts beside the others': nobody's labels alone move what all of them go by.

Departments of one tenant share the kinds of requests that they give the same name. So one whose labels are wrong, by
mistake or on purpose, would move what is expected for the others, the further the more it sends. In each cell (a model
in a kind of request) an owner's labels therefore count for no more than its share of all that count there:

    owners    most of one
    1         all: it is alone
    2         a half
    3 or more a third

and never for less than `OWN_LABELS` labels, so that a few labels of a newcomer do not undo what others have taught.
More cannot be had of one figure that all share: whose labels are the wrong ones, nobody knows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PARTS_MAX: Final = 3
"""An owner counts for one part in so many at most, where there are so many owners: a majority of honest ones decides
(each other third alone is outvoted by the other two)."""
OWN_LABELS: Final = 100.0
"""Labels of one owner that count whatever the others have: as many as a regression needs to say anything
(`fit_heads.PENALTY`)."""


def capped(weights: Floats, owners: NDArray[Any], cells: NDArray[Any]) -> Floats:
    """The same weights, less of those owners that have too much in a cell; nothing grows.

    Args:
        weights: what each label counts, not negative.
        owners: whose label each is, as numbers.
        cells: in which cell each is, as numbers.

    Returns:
        In each cell no owner has more than its share, or than `OWN_LABELS`, whichever is more. The labels of one owner
        in a cell keep their proportions. Where every cell has a single owner, the argument itself.
    """
    _, owners = np.unique(owners, return_inverse=True)
    width = int(owners.max(initial=0)) + 1
    if width == 1:
        return weights
    _, cells = np.unique(cells, return_inverse=True)
    groups, group = np.unique(cells * width + owners, return_inverse=True)
    sums: Floats = np.bincount(group, weights=weights, minlength=len(groups)).astype(np.float64)
    most = np.full(len(groups), np.inf)
    order = groups // width
    starts = np.flatnonzero(np.append(True, order[1:] != order[:-1]))
    for start, end in zip(starts, np.append(starts[1:], len(groups)), strict=True):
        most[start:end] = max(OWN_LABELS, share_of(sums[start:end]))
    if not (over := sums > most).any():
        return weights
    factor = np.ones(len(groups))
    factor[over] = most[over] / sums[over]
    return weights * factor[group]


def share_of(sums: Floats) -> float:
    """The most that one of some owners may count for: its part of what then counts of all of them together.

    Args:
        sums: what each owner's labels come to.

    Returns:
        The highest level to which all sums can be cut so that none is above its part; infinity where nothing is cut.
    """
    counted = np.sort(sums[sums > 0])[::-1]
    parts = min(PARTS_MAX, len(counted))
    if parts <= 1:
        return float("inf")
    for cut in range(parts - 1):
        level = float(counted[cut:].sum()) / (parts - cut)  # `cut` owners at it: cut * level + the rest = parts * level
        if counted[cut] <= level:
            return level
    return float(counted[parts - 1 :].sum())
