"""Which answers go up, where a share of them may: a threshold on a score that keeps to the share as scores change.

The threshold is a quantile of what the same weights say of recent answers that they have not been fitted to: after a
refit those are scored anew, so that questions before and after it compare. What was spent too much or too little is
made good over the next `HORIZON` questions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["HORIZON", "RECENT_MIN", "escalates"]

HORIZON = 200
"""Questions over which a deviation from the share is made good."""
RECENT_MIN = 10
"""Fewer scores than that say nothing of a quantile: the share is then kept by counting."""


def escalates(
    score: float, recent: Sequence[float] | NDArray[np.float64], share: float, *, asked: int, escalated: int
) -> bool:
    """Whether the question whose answer scores `score` goes up.

    Args:
        score: how much going up is expected to gain; higher goes first.
        recent: scores of questions before, by the same weights, none of which were fitted to them.
        share: which part of all questions may go up, 0 to 1.
        asked: how many questions there were before.
        escalated: how many of them went up.
    """
    wanted = min(1.0, max(0.0, share + (share * asked - escalated) / HORIZON))
    if wanted in {0.0, 1.0}:
        return wanted > 0
    if len(recent) < RECENT_MIN:
        return escalated < share * (asked + 1)
    return score > float(np.quantile(np.asarray(recent), 1 - wanted))
