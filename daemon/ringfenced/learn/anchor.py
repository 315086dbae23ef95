"""The quickest thing to learn about a model: how far it is from what was believed, overall and in each segment.

A shift in log-odds of the prior's word, for all requests and for each segment, and how much the prior's word on a
question's difficulty counts. Each is held at nothing changed by a normal distribution, so that few labels move it
little (a hierarchical logistic regression by Newton's method; Gelman and Hill, Data Analysis Using Regression and
Multilevel/Hierarchical Models, 2007, chapter 12).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHIFT_SPREAD: Final = 1.5
"""Standard deviation of the shift for all requests: configured qualities are guesses."""
SEGMENT_SPREAD: Final = 1.0
"""That of a segment's own shift."""
SLOPE_SPREAD: Final = 0.3
"""That of how much the prior's difficulty counts, around 1."""
ROUNDS: Final = 12
"""Newton steps; it converges in 5 or 6."""


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """What was learned of one model."""

    shift: float
    """Log-odds that its answers are better than believed."""
    slope: float
    """What the prior's difficulty of a question counts."""
    segments: Floats
    """The shift of each segment beside that."""


def anchored(believed: Floats, difficulty: Floats, segment: NDArray[np.intp], segments: int, labels: Labels) -> Anchor:
    """Learn the three from a model's outcomes.

    Args:
        believed: log-odds of the configured quality for each outcome.
        difficulty: what the prior adds to them for its question.
        segment: the number of each outcome's segment.
        segments: how many there are.
        labels: scores and weights of the outcomes.
    """
    size = 2 + segments
    columns = np.zeros((len(believed), size))
    columns[:, 0], columns[:, 1] = 1, difficulty
    columns[np.arange(len(believed)), 2 + segment] = 1
    held = np.concatenate([[SHIFT_SPREAD**-2, SLOPE_SPREAD**-2], np.full(segments, SEGMENT_SPREAD**-2)])
    start = np.zeros(size)
    start[1] = 1
    found = start.copy()
    for _ in range(ROUNDS):
        odds = 1 / (1 + np.exp(-np.clip(believed + columns @ found, -30, 30)))
        slope = columns.T @ (labels.weights * (labels.scores - odds)) - held * (found - start)
        curve = (columns * (labels.weights * odds * (1 - odds))[:, None]).T @ columns + np.diag(held)
        found = found + np.clip(np.linalg.solve(curve, slope), -2, 2)
    return Anchor(float(found[0]), float(np.clip(found[1], 0, 3)), found[2:])


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Scores and what each counts."""

    scores: Floats
    """0 to 1."""
    weights: Floats
    """Not negative."""
