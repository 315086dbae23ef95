"""How good an answer was, from what came of it: the word of whoever knows best, and how far it is to be trusted."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["AGREED", "AGREED_WEIGHT", "BESIDE_WEIGHT", "Label", "label_of"]

AGREED: Final = (0.12, 0.94)
"""What agreement says of the cheap answer before its outcome is known: P(good) where the strong one differs, and where
it comes to the same (made-up word problems, `bench/routing_parts/ladder.py`)."""
AGREED_WEIGHT: Final = 0.7
"""What such a label counts for beside an outcome."""
BESIDE_WEIGHT: Final = 0.3
"""What another evaluator's word counts for: it is an opinion, and judges err (chosen, not fitted)."""


class Label(NamedTuple):
    """How good an answer was."""

    score: float
    """0 to 1."""
    weight: float
    """How far that is to be trusted: 1 for a caller's word."""


def label_of(feedback: float | None, agreed: float | None, beside: float | None) -> Label | None:
    """What is known of an answer; None where nothing is.

    The verifier's own verdict is no label, and neither is that of evaluators asked before it: they passed every answer
    that it reads.

    Args:
        feedback: the caller's word, 0 to 1; None where there is none, as in the other two.
        agreed: 1 where the answer of the rung above came to the same, 0 where not.
        beside: the least that evaluators say who were asked after the verifier, 0 to 1.
    """
    if feedback is not None:
        return Label(feedback, 1.0)
    if agreed is not None:
        differs, same = AGREED
        return Label(differs + (same - differs) * agreed, AGREED_WEIGHT)
    return None if beside is None else Label(beside, BESIDE_WEIGHT)
