"""RouteLLM's figures for two models, and the share of cost saved for many.

Source: RouteLLM's evaluation, ``routellm/evals/benchmarks.py`` and ``evaluate.py`` (lm-sys/RouteLLM, Apache-2.0; Ong et
al., arXiv 2406.18665): thresholds are the deciles of the scores; a row goes to the strong model where its score reaches
the threshold; the curve is accuracy over the share of strong calls. APGR is the area between curve and the weak model's
line, divided by that between the strong model's and the weak's, over the shares that the curve spans (trapezoids).
CPT(x) is the share of strong calls, in percent, at which x percent of the gap is recovered, interpolated linearly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
BINS = 10
"""Thresholds are the quantiles that part the scores into so many bins (RouteLLM's ``num_results``)."""


@dataclass(frozen=True, slots=True)
class Routed:
    """Figures of one way to route between two models."""

    apgr: float
    """Average performance gap recovered: 0 for the weak model's line, 1 for the strong's."""
    cpt50: float
    """Percent of calls that go to the strong model where half of the gap is recovered."""
    cpt80: float
    """The same for 80 percent of it."""


def by_score(score: Floats, weak: Floats, strong: Floats, bins: int = BINS) -> Routed:
    """Route the rows with the highest scores to the strong model, at each threshold.

    Args:
        score: one a row; higher means that the strong model is the more worth its price.
        weak: what the weak model scores on each row, 0 to 1.
        strong: the same of the strong one.
        bins: how finely thresholds part the scores.
    """
    thresholds = np.quantile(score, np.linspace(0, 1, bins + 1))
    points = []
    for number, threshold in enumerate(thresholds):
        chosen = score >= threshold if number < bins else score > threshold
        points.append((float(chosen.mean()), float(np.where(chosen, strong, weak).mean())))
    return by_points(points, float(weak.mean()), float(strong.mean()))


def by_points(points: Sequence[tuple[float, float]], weak: float, strong: float) -> Routed:
    """The figures of a curve: pairs of (share of strong calls, quality reached).

    Args:
        points: in any order; the two ends, all weak and all strong, are added where they are missing.
        weak: mean quality of the weak model on the same rows.
        strong: the same of the strong one.
    """
    shares = [share for share, _ in points]
    first = [(0.0, weak)] if min(shares, default=1.0) > 0 else []
    last = [(1.0, strong)] if max(shares, default=0.0) < 1 else []
    curve = np.array(sorted([*first, *points, *last]), np.float64)
    share, quality = curve[:, 0], curve[:, 1]
    gap = strong - weak
    if gap <= 0:
        return Routed(float("nan"), float("nan"), float("nan"))
    area = float(np.trapezoid(quality - weak, share))
    return Routed(
        apgr=area / (gap * float(share[-1] - share[0])),
        cpt50=100 * float(np.interp(0.5 * gap + weak, quality, share)),
        cpt80=100 * float(np.interp(0.8 * gap + weak, quality, share)),
    )


def mean(figures: Sequence[Routed]) -> Routed:
    """The mean of each figure."""
    return Routed(
        float(np.mean([figure.apgr for figure in figures])),
        float(np.mean([figure.cpt50 for figure in figures])),
        float(np.mean([figure.cpt80 for figure in figures])),
    )


def oracle(weak: Floats, strong: Floats) -> Floats:
    """Scores of a router that knows what each model will get right."""
    return strong - weak


def zero_router(weak: float, strong: float) -> Routed:
    """The best fixed mix of two models: a share of calls, drawn blindly; the straight line between the two."""
    return by_points([(share, weak + share * (strong - weak)) for share in np.linspace(0, 1, BINS + 1)], weak, strong)


def saved(points: Sequence[tuple[float, float]], best_cost: float, best_quality: float, level: float) -> float:
    """The share of the best single model's cost that a curve saves at a level of its quality.

    Policies on a curve can be mixed, so the cost at a quality is read from the upper hull of the points.

    Args:
        points: pairs of (cost, quality) of the policies, means over the rows.
        best_cost: the mean cost of the model with the highest mean quality.
        best_quality: that quality.
        level: the part of it that must be reached, such as 0.95.

    Returns:
        1 - cost / `best_cost`; minus infinity where no point reaches the level.
    """
    wanted = level * best_quality
    corners = hull(points)
    if corners[-1][1] < wanted:
        return float("-inf")
    cost = float(np.interp(wanted, [quality for _, quality in corners], [cost for cost, _ in corners]))
    return 1 - cost / best_cost


def hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the upper hull from the cheapest point to the best: cost and quality both rise strictly.

    These are all that mixing reaches: between two corners a mix of their policies, drawn blindly.
    """
    best: list[tuple[float, float]] = []
    for cost, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if best and quality <= best[-1][1]:
            continue
        while len(best) >= 2 and _is_under(best[-2], best[-1], (cost, quality)):
            best.pop()
        best.append((cost, quality))
    return best


def _is_under(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    left = (middle[1] - first[1]) * (last[0] - first[0])
    right = (last[1] - first[1]) * (middle[0] - first[0])
    return left <= right
