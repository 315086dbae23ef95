"""Which model to take: the one with the most expected quality for its cost, or, a few times in a hundred, another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen."""

    place: int
    """Its place among what was allowed."""
    propensity: float
    """How probable it was; to be logged with the outcome."""
    explored: bool
    """Whether a draw chose it, not its worth."""


def worth(quality: NDArray[Any], cost: NDArray[Any], price: float) -> Floats:
    """P(good) less what the cost is worth.

    Args:
        quality: P(good) of each.
        cost: of each, in any unit.
        price: what one unit of cost is worth in quality.
    """
    return np.asarray(quality, np.float64) - price * np.asarray(cost, np.float64)


def chosen(worths: Floats, *, explore: float, draw: float | None) -> Choice:
    """Take the best; with probability `explore` one at random, so that all keep being learned of.

    Args:
        worths: of what is allowed, at least one; a tie goes to the first.
        explore: share of requests that are drawn evenly among all, 0 to 1.
        draw: uniform in [0, 1); None for the best in any case. The same draw gives the same choice.
    """
    count, best = len(worths), int(np.argmax(worths))
    if draw is None or explore <= 0:
        return Choice(best, 1.0, explored=False)
    is_drawn = draw < explore
    place = min(int(draw / explore * count), count - 1) if is_drawn else best
    return Choice(place, float(policy(worths, explore)[place]), explored=is_drawn)


def policy(worths: Floats, explore: float) -> Floats:
    """The probability of each."""
    shares = np.full(len(worths), explore / len(worths))
    shares[int(np.argmax(worths))] += 1 - explore
    return shares


def mix(cost: Floats, quality: Floats, budget: float) -> Floats:
    """The best fixed mix of models at a mean cost: the zero-router (RouterBench, arXiv 2403.12031, section 3.2).

    Args:
        cost: mean of each model.
        quality: mean of each model.
        budget: mean cost that is not to be exceeded; under the cheapest model's, that model alone.

    Returns:
        The share of each model; two of them at most have one.
    """
    corners = _corners(cost, quality)
    shares = np.zeros(len(cost))
    costs = cost[corners]
    if budget <= costs[0] or len(corners) == 1:
        shares[corners[0]] = 1
    elif budget >= costs[-1]:
        shares[corners[-1]] = 1
    else:
        above = int(np.searchsorted(costs, budget, side="right"))
        part = (budget - costs[above - 1]) / (costs[above] - costs[above - 1])
        shares[corners[above - 1]], shares[corners[above]] = 1 - part, part
    return shares


def _corners(cost: Floats, quality: Floats) -> list[int]:
    """The models at the corners of the upper hull, from the cheapest to the best."""
    corners: list[int] = []
    for model in np.lexsort((-quality, cost)).tolist():
        if corners and quality[model] <= quality[corners[-1]]:
            continue
        while corners[1:] and _is_under(cost, quality, corners[-2], corners[-1], model):
            corners.pop()
        corners.append(model)
    return corners


def _is_under(cost: Floats, quality: Floats, first: int, middle: int, last: int) -> bool:
    left = (quality[middle] - quality[first]) * (cost[last] - cost[first])
    return bool(left <= (quality[last] - quality[first]) * (cost[middle] - cost[first]))
