"""The plainest thing to learn: each model's mean score, by kind of request, drawn towards its configured quality.

It says nothing of a single request. It is what may be believed where a score for the single request may not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.outcome import BadState, Features, Float32s, Outcome

PRIOR: Final = 4.0
"""How many answers the configured quality counts for: a conjugate prior of a share (beta-binomial)."""

RECENT: Final = 5000
"""Answers of one model to one kind of request that count, the newest: models and prompts change."""


@dataclass(frozen=True, slots=True, eq=False)
class Rated:
    """What is expected of some models for one request, in the order in which they were given."""

    quality: NDArray[np.float32]
    """P(good), 0 to 1."""
    uncertainty: NDArray[np.float32]
    """A standard deviation of `quality`, 0 to 0.5."""
    learned: NDArray[np.bool_]
    """Whether it was learned here."""


@dataclass(frozen=True, slots=True)
class Means:
    """By kind of request and model: the sum of the scores, and how many there were."""

    table: Mapping[str, Mapping[str, tuple[float, int]]]
    """Kind, then model."""

    @classmethod
    def cold(cls, configured: Mapping[str, float]) -> Means:  # noqa: ARG003 - who is asked later says it again
        """Of a site that has learned nothing."""
        return cls(MappingProxyType({}))

    def rated(self, features: Features, segment: str, models: Sequence[str], quality_configured: Float32s) -> Rated:  # noqa: ARG002 - of the kind alone
        """What is expected of each of `models`, which has its configured quality in the same place."""
        known = self.table.get(segment, {})
        pairs = np.array([known.get(model, (0.0, 0)) for model in models], np.float32).reshape(len(models), 2)
        total, count = pairs[:, 0], pairs[:, 1]
        quality = (total + PRIOR * quality_configured) / (count + PRIOR)
        learned = count > 0
        # The posterior's standard deviation: sqrt(p(1 - p) / (n + 1)).
        uncertainty = np.where(learned, np.sqrt(quality * (1 - quality) / (count + PRIOR + 1)), 0.0)
        return Rated(quality.astype(np.float32), uncertainty.astype(np.float32), learned)

    def guarded(self, segment: str) -> tuple[bool, str]:
        """There is no score of a single request to believe."""
        return True, "means of the kind alone" if segment in self.table else "nothing is known of the kind"

    def to_bytes(self) -> bytes:
        """As bytes, for a file."""
        return json.dumps({name: dict(models) for name, models in self.table.items()}, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Means:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is something else.
        """
        try:
            said = json.loads(content)
            table = {
                str(segment): {str(model): (float(total), int(count)) for model, (total, count) in models.items()}
                for segment, models in said.items()
            }
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise BadState("means of another version; the next refit replaces them") from None
        rows = [row for models in table.values() for row in models.values()]
        if not all(math.isfinite(total) and 0 <= total <= count for total, count in rows):
            raise BadState("means that are no shares; the next refit replaces them")
        return cls(table)


def fit(
    outcomes: Sequence[Outcome], *, configured: Mapping[str, float], costs: Mapping[str, float], seed: int
) -> Means:
    """Take the means of outcomes, oldest first.

    Args:
        outcomes: what came of answers.
        configured: unused: who asks says it.
        costs: unused.
        seed: unused: there is no chance in it.
    """
    del configured, costs, seed
    scores: dict[str, dict[str, list[float]]] = {}
    for outcome in outcomes:
        scores.setdefault(outcome.segment, {}).setdefault(outcome.model, []).append(outcome.score)
    return Means(
        {
            segment: {model: (math.fsum(rows[-RECENT:]), len(rows[-RECENT:])) for model, rows in models.items()}
            for segment, models in scores.items()
        }
    )
