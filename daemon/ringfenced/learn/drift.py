"""Whether a model is no longer what was learned of it.

The Page-Hinkley test (Page, Continuous Inspection Schemes, Biometrika 41, 1954; as in Gama et al., A Survey on Concept
Drift Adaptation, ACM Computing Surveys 46, 2014) on the differences between outcomes and what was expected, to both
sides. Where it alarms, the head counts half and a refit is due; what came before the alarm is what aged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SLACK: Final = 0.05
"""Change of the mean score that is no drift."""
ALARM: Final = 25.0
"""Sum of differences beyond the slack at which it alarms: a model whose mean falls by a fifth is found after some 170
outcomes; one that stays as it was alarms in less than one of 50 series of 10,000 (measured in its test)."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the test has seen of one model; a value, every outcome makes a new one."""

    up: float = 0.0
    """Sum of outcomes above what was expected, less the slack; never under 0."""
    down: float = 0.0
    """The same below it."""
    seen: int = 0
    """Outcomes since it began."""

    @property
    def is_drifting(self) -> bool:
        """Whether it alarms."""
        return max(self.up, self.down) > ALARM

    def after(self, score: float, expected: float) -> Watch:
        """With one more outcome.

        Args:
            score: what came, 0 to 1.
            expected: what was expected when the model was taken, 0 to 1.
        """
        difference = score - expected
        up, down = max(0.0, self.up + difference - SLACK), max(0.0, self.down - difference - SLACK)
        return replace(self, up=up, down=down, seen=self.seen + 1)


def drifted(scores: NDArray[Any], expected: NDArray[Any]) -> int | None:
    """Where in a series of outcomes, by time, the newest drift began; None where there is none.

    Args:
        scores: 0 to 1.
        expected: of each, before it came.
    """
    watch, found = Watch(), None
    began_up, began_down = 0, 0
    for place, (score, before) in enumerate(zip(scores.tolist(), np.asarray(expected).tolist(), strict=True)):
        watch = watch.after(score, before)
        began_up = place + 1 if watch.up == 0 else began_up
        began_down = place + 1 if watch.down == 0 else began_down
        if watch.is_drifting:
            found = began_up if watch.up > ALARM else began_down
    return found
