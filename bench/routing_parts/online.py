"""Protocol (b): two models, a stream of questions, and of each only the chosen model's outcome, 200 questions later.

No label is known before. For each target share of strong calls the stream runs anew: a question goes to the strong
model where the expected gain is among that share of the last questions' (their features are known, not their
outcomes); one in fifty is drawn. Heads are refit whenever the known outcomes have doubled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ringfenced.learn.heads import Heads
from ringfenced.learn.prior import believed
from routing_parts import metrics
from routing_parts.metrics import Routed
from routing_parts.two import CONFIGURED, Floats, Stage, gap, learned, simple

DELAY = 200
"""Questions until an outcome is known."""
ROWS_MAX = 3000
"""Longest stream; a longer file is drawn from."""
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Targets of strong calls."""
EXPLORE = 0.02
"""Share that is drawn."""
FIRST_REFIT = 64
"""Known outcomes at the first refit."""
GROWTH = 2.0
"""By which they have grown at the next."""
WINDOW = 500
"""Questions that a threshold is taken from."""


def online(stage: Stage, seeds: int, tick: Callable[[], None]) -> dict[str, Routed]:
    """Run it; `tick` is called after each stream."""
    features = stage.rows("question")
    figures: dict[str, list[Routed]] = {}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(features))[:ROWS_MAX]
        weak, strong = stage.pair.weak[order], stage.pair.strong[order]
        points = []
        for number, share in enumerate(SHARES):
            taken = streamed(features[order], weak, strong, share, seed * 100 + number)
            points.append((float(taken.mean()), float(np.where(taken, strong, weak).mean())))
            tick()
        ends = float(weak.mean()), float(strong.mean())
        figures.setdefault("ours", []).append(metrics.by_points(points, *ends))
        figures.setdefault("zero_router", []).append(metrics.zero_router(*ends))
        for name, score in simple(stage, order, seed).items():
            figures.setdefault(name, []).append(metrics.by_score(score, weak, strong))
    return {name: metrics.mean(routed) for name, routed in figures.items()}


def streamed(features: Floats, weak: Floats, strong: Floats, share: float, seed: int) -> np.ndarray:
    """Which questions of a stream go to the strong model.

    Args:
        features: of the questions, in their order.
        weak: what the weak model would score; read only where it was chosen, `DELAY` later.
        strong: the same of the strong model.
        share: of strong calls that is aimed at.
        seed: of exploration and refits.
    """
    rng = np.random.default_rng(seed)
    count = len(features)
    taken = np.zeros(count, np.bool_)
    draws = rng.random(count)
    heads: Heads | None = None
    begin, known_at_refit = 0, 0
    while begin < count:
        known = max(0, begin - DELAY)
        if known >= max(FIRST_REFIT, GROWTH * known_at_refit):
            outcomes = np.where(taken[:known], strong[:known], weak[:known])
            if 0 < taken[:known].sum() < known:
                heads = learned(features[:known], taken[:known].astype(np.intp), outcomes, seed)
            known_at_refit = known
        end = min(count, int(max(FIRST_REFIT, GROWTH * known_at_refit)) + DELAY)
        scores = gap(heads, features[:end], 0) if heads else _cold(features[:end])
        for row in range(begin, end):
            # Of the first questions there is nothing to compare with but themselves: a draw decides.
            recent = scores[max(0, row - WINDOW) : row]
            usual = scores[row] > np.quantile(recent, 1 - share) if len(recent) > 10 else draws[row] < share
            is_drawn = draws[row] < EXPLORE
            taken[row] = draws[row] < EXPLORE * share if is_drawn else usual
        begin = end
    return taken


def _cold(rows: Floats) -> Floats:
    base, moved = believed(rows[:, -8:], CONFIGURED)
    odds = 1 / (1 + np.exp(-(base + moved)))
    return np.asarray(odds[:, 1] - odds[:, 0], np.float64)
