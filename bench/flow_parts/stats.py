"""What is said of repeated measurements: medians, ranges, percentiles, ratios within one repetition. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """One quantity over all repetitions."""

    median: float
    """The middle one."""
    low: float
    """The smallest."""
    high: float
    """The largest."""
    count: int
    """How many repetitions gave it."""


def summarise(values: Sequence[float]) -> Summary | None:
    """Median and range; None where nothing was measured. NaN, which means not measured, is left out."""
    kept = [value for value in values if not math.isnan(value)]
    if not kept:
        return None
    return Summary(statistics.median(kept), min(kept), max(kept), len(kept))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed (nearest rank); NaN of nothing.

    Args:
        values: in any order; infinity stands for a request that never came.
        share: 0 to 1.
    """
    if not values:
        return math.nan
    rank = max(1, math.ceil(share * len(values)))
    return sorted(values)[rank - 1]


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """`over` by `under`, each within its own repetition: what drifts between repetitions cancels out."""
    return [top / bottom if bottom else math.nan for top, bottom in zip(over, under, strict=False)]


def differences(left: Sequence[float], right: Sequence[float]) -> list[float]:
    """`left` less `right`, each within its own repetition."""
    return [first - second for first, second in zip(left, right, strict=False)]
