"""What each model is expected to be worth: one head a model, as plain arrays, read by numpy alone.

A head has two parts, mixed in log-odds by how far the second can be trusted: the anchor (`anchor.py`), the prior's word
moved by what was seen; and the mean of a logistic regression and boosted trees on all features. Models without a head
take the prior's word by their configured quality.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.forest import Forest, forest_of
from ringfenced.learn.outcome import BadState
from ringfenced.learn.packed import Arrays
from ringfenced.learn.prior import SAID, believed
from ringfenced.learn.trees import Trees

CLIP: Final = 4.0
"""Standard deviations beyond which a feature counts no further."""
HEADS_MAX: Final = 256
"""Most models with a head."""
SEGMENTS_MAX: Final = 1024
"""Most segments with a shift of their own."""
LOGIT_MAX: Final = 30.0
"""Log-odds beyond which nothing is expected."""
DOUBT_LABELS: Final = 30.0
"""Labels after which the doubt about a quality is down to some seven tenths of what it is without any."""

SPACE_MAX: Final = (1 << 32) - 1
"""Highest number of a space of embeddings."""

_NO_SPACE: Final = np.array([0])
_PARTS: Final = ("mean", "scale", "linear", "labels", "trust", "trust_unseen", "shift", "slope", "by_segment")


@dataclass(frozen=True, eq=False)
class Heads:
    """All heads of a site; a row of each array is a model."""

    models: tuple[str, ...]
    """Whose they are."""
    segments: tuple[str, ...]
    """Kinds of request that have a shift of their own."""
    mean: NDArray[np.float64]
    """Of each feature, where they were made."""
    scale: NDArray[np.float64]
    """Its standard deviation there."""
    linear: NDArray[np.float64]
    """The logistic regressions: a column for each feature and one for the constant."""
    trees: tuple[Trees, ...]
    """Each model's boosted trees; without any, the regression stands alone."""
    labels: NDArray[np.float64]
    """How many labels each was made from, old ones counting less."""
    trust: NDArray[np.float64]
    """Part of regression and trees, 0 to 1; the rest is the anchor's."""
    trust_unseen: NDArray[np.float64]
    """The same for segments of which nothing was learned: what fits known segments misleads there."""
    shift: NDArray[np.float64]
    """The anchor's shift for all requests."""
    slope: NDArray[np.float64]
    """How much the prior's difficulty counts."""
    by_segment: NDArray[np.float64]
    """The anchor's shift for each segment (columns)."""
    space: int = 0
    """Whose embeddings' numbers are among the features; 0 where none are."""

    @cached_property
    def forest(self) -> Forest | None:
        """All trees as one forest, for one row at a time; None where a tree has too many leaves for that."""
        return forest_of(self.trees)

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of each model."""
        return {model: place for place, model in enumerate(self.models)}

    def free(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Log-odds by regression and trees: rows of features by models."""
        told = np.clip((rows - self.mean) / self.scale, -CLIP, CLIP)
        linear: NDArray[np.float64] = told @ self.linear[:, :-1].T + self.linear[:, -1]
        for column, trees in enumerate(self.trees):
            if len(trees.feature):
                linear[:, column] = (linear[:, column] + trees.walked(rows)) / 2
        return linear

    def anchors(self, rows: NDArray[Any], segments: NDArray[np.intp], configured: NDArray[Any]) -> NDArray[np.float64]:
        """Log-odds by the anchors alone; arguments as those of `logits`."""
        base, moved = believed(rows[:, -SAID:], configured)
        own = np.concatenate([self.by_segment, np.zeros((len(self.models), 1))], axis=1)[:, segments].T
        told: NDArray[np.float64] = base + self.shift + self.slope * moved + own
        return told

    def logits(self, rows: NDArray[Any], segments: NDArray[np.intp], configured: NDArray[Any]) -> NDArray[np.float64]:
        """Log-odds of a good answer: rows of features by models.

        Args:
            rows: of hand features, the prior's word at their end.
            segments: place of each row's segment in `segments`; -1 for one that is not among them.
            configured: quality of each of `models`, 0 to 1.
        """
        anchor = self.anchors(rows, segments, configured)
        trust = np.where((segments < 0)[:, None], self.trust_unseen, self.trust)
        mixed: NDArray[np.float64] = anchor + trust * (self.free(rows) - anchor)
        return np.clip(mixed, -LOGIT_MAX, LOGIT_MAX)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is to be kept."""
        kept: dict[str, NDArray[Any]] = {f"heads.{part}": getattr(self, part) for part in _PARTS}
        kept["heads.space"] = np.array([self.space], np.int64)
        for part, names in (("models", self.models), ("segments", self.segments)):
            kept[f"heads.{part}"] = np.frombuffer("\n".join(names).encode(), np.uint8)
        for number, trees in enumerate(self.trees):
            kept |= trees.arrays(f"heads.{number}")
        return kept

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Heads:
        """Read what `arrays` wrote.

        Raises:
            BadState: something is missing, or of another shape.
        """
        try:
            models, segments = _names(arrays["heads.models"]), _names(arrays["heads.segments"])
            parts = [arrays[f"heads.{part}"].astype(np.float64) for part in _PARTS]
            space = int(arrays.get("heads.space", _NO_SPACE).item())  # state of before there were any has none
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise BadState("heads are missing from learned state; refit it from the outcomes") from error
        count, columns = len(models), parts[0].size
        alone, shapes = (count,), tuple(part.shape for part in parts)
        wanted = ((columns,), (columns,), (count, columns + 1), *[alone] * 5, (count, len(segments)))
        if count > HEADS_MAX or len(segments) > SEGMENTS_MAX or shapes != wanted or not 0 <= space <= SPACE_MAX:
            raise BadState("heads of unequal arrays in learned state; refit it from the outcomes")
        if not all(np.isfinite(part).all() for part in parts) or (parts[1] <= 0).any():
            raise BadState("heads in learned state hold what is no number; refit it from the outcomes")
        mean, scale, linear, labels, trust, unseen, shift, slope, by_segment = parts
        trees = tuple(Trees.of_arrays(arrays, f"heads.{number}", columns) for number in range(count))
        trust, unseen = np.clip(trust, 0, 1), np.clip(unseen, 0, 1)
        return cls(models, segments, mean, scale, linear, trees, labels, trust, unseen, shift, slope, by_segment, space)


def _names(letters: NDArray[Any]) -> tuple[str, ...]:
    text = letters.astype(np.uint8).tobytes().decode()
    return tuple(text.split("\n")) if text else ()


def no_heads() -> Heads:
    """Of a site that has learned nothing."""
    none = np.zeros(0)
    return Heads((), (), none, none, np.zeros((0, 1)), (), none, none, none, none, none, np.zeros((0, 0)))
