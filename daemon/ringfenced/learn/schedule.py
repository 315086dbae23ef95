"""When it is worth learning anew: on a geometric schedule, so that all refits together cost a few times the last."""

from __future__ import annotations

from typing import Final

GROWTH: Final = 0.25
"""Share of what the last refit was made from that must have been added since."""

LABELS_MAX: Final = 5000
"""Labels after which it is worth it in any case: what is kept is bounded, so that old ones make room for new."""


def refit_due(fresh: int, used: int, labels_min: int) -> bool:
    """Whether enough was said since the last refit.

    Args:
        fresh: how often somebody has said how good an answer is since then.
        used: how many outcomes it was made from; 0 before the first.
        labels_min: so many are needed for the first refit, and between two.
    """
    return fresh >= max(labels_min, min(LABELS_MAX, int(used * GROWTH)))
