"""A site's models in a row beside what was learned of each: what one request asks of all of them at once.

What does not depend on the request is laid out when the models or what was learned change; a request is then a few sums
over columns. `Heads.logits` and `Guard` say the same for many rows; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.guard import UNSEEN, Guard
from ringfenced.learn.heads import CLIP, DOUBT_LABELS, LOGIT_MAX, Heads
from ringfenced.learn.outcome import BadState, Features, Float32s
from ringfenced.learn.prior import SURE, parts_believed
from ringfenced.learn.projection import row_of

Floats = NDArray[np.float64]

_LEAST: Final = SURE / 2
"""No answer is expected to be surer than this, of either kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Rated:
    """What is expected of some models for one request, in the order in which they were given."""

    quality: Float32s
    """P(good), 0 to 1."""
    uncertainty: Float32s
    """A standard deviation of `quality`, 0 to 0.5."""
    learned: NDArray[np.bool_]
    """Whether it was learned here; otherwise it is the model's configured quality, or the prior's word on it."""


class Lineup:
    """Models in a row; a column of each array is one. Never changed."""

    def __init__(self, heads: Heads, guard: Guard | None, models: Sequence[str], configured: NDArray[Any]) -> None:
        """Lay out.

        Args:
            heads: what was learned.
            guard: in which segments that may be believed; None for everywhere.
            models: in any order; the same may come twice.
            configured: quality of each as configured, 0 to 1.
        """
        found = np.array([heads.places.get(model, -1) for model in models], np.intp)
        self._heads = heads
        self._learned = found >= 0
        self._which = found[self._learned]
        self._doubt = 0.5 / np.sqrt(1 + self._of_heads(heads.labels, 0.0) / DOUBT_LABELS)
        self._lay_anchors(configured)
        self._lay_free()
        self._lay_guard(guard, models, configured)

    def rated(self, features: Features, segment: str) -> Rated:
        """What each model is expected to be worth for one request.

        Where the guard does not trust the heads, every question of the segment gets the same: each model's mean quality
        there, so that the choice is a fixed one. Where it does, it says how much of their word counts beside that.

        Args:
            features: of the prompt.
            segment: its kind of request.

        Raises:
            BadState: the features are of another version than those that this was made from.
        """
        logit = self._logit(row_of(features, self._heads.space).astype(np.float64), segment)
        quality = 1 / (1 + np.exp(-np.minimum(np.maximum(logit, -LOGIT_MAX), LOGIT_MAX)))
        doubt = np.sqrt(quality * (1 - quality)) * self._doubt
        place = self._guarded.get(segment, self._guarded.get(UNSEEN, -1))
        if place >= 0:
            mean = self._means[place]
            quality = np.where(self._learned, mean + self._part[place] * (quality - mean), quality)
        quality = np.minimum(np.maximum(quality, _LEAST), 1 - _LEAST)
        return Rated(quality.astype(np.float32), doubt.astype(np.float32), self._learned)

    def _logit(self, row: Floats, segment: str) -> Floats:
        place = self._segments.get(segment, -1)
        weak, strong = row[-2:].tolist()
        logit: Floats = self._base[place] + self._of_weak * weak + self._of_strong * strong
        if len(self._which):
            free = self._free(row)
            free -= logit
            free *= self._trust_unseen if place < 0 else self._trust
            logit += free
        return logit

    def _free(self, row: Floats) -> Floats:
        """What regressions and trees say: their mean where a model has both."""
        heads = self._heads
        if len(row) != len(heads.mean):
            raise BadState("learned state was made from other features; refit it from the outcomes")
        if heads.forest is None:
            return self._of_heads(heads.free(row[None])[0], 0.0)
        standard = np.ones(len(row) + 1)  # the constant's column is always 1
        np.minimum(np.maximum((row - heads.mean) / heads.scale, -CLIP), CLIP, out=standard[:-1])
        free: Floats = self._linear @ standard
        free[self._grown] += heads.forest.walked(row)[self._trees] / 2
        return free

    def _of_heads(self, values: NDArray[Any], otherwise: float) -> Floats:
        """A column of the heads as a column of these models."""
        column = np.full(len(self._learned), otherwise)
        column[self._learned] = values[self._which]
        return column

    def _lay_anchors(self, configured: NDArray[Any]) -> None:
        heads = self._heads
        base, of_weak, of_strong = parts_believed(configured)
        slope = self._of_heads(heads.slope, 1.0)
        self._of_weak, self._of_strong = of_weak * slope, of_strong * slope
        # A row for each segment, and the last for those that are not known.
        self._segments = {name: place for place, name in enumerate(heads.segments)}
        self._base = np.tile(base + self._of_heads(heads.shift, 0.0), (len(heads.segments) + 1, 1))
        self._base[:-1, self._learned] += heads.by_segment[self._which].T
        self._trust = self._of_heads(heads.trust, 0.0)
        self._trust_unseen = self._of_heads(heads.trust_unseen, 0.0)

    def _lay_free(self) -> None:
        heads = self._heads
        self._linear = np.zeros((len(self._learned), heads.linear.shape[1]))
        self._linear[self._learned] = heads.linear[self._which]
        has_trees = np.array([bool(len(trees.feature)) for trees in heads.trees], np.bool_)
        self._grown = np.flatnonzero(self._of_heads(has_trees, 0.0))
        self._trees = self._of_heads(np.arange(len(heads.models)), 0.0).astype(np.intp)[self._grown]
        self._linear[self._grown] /= 2

    def _lay_guard(self, guard: Guard | None, models: Sequence[str], configured: NDArray[Any]) -> None:
        self._guarded: dict[str, int] = {}
        if guard is None:
            return
        self._guarded = {name: place for place, name in enumerate(guard.segments)}
        column = {model: place for place, model in enumerate(guard.models)}
        known = np.array([column.get(model, -1) for model in models], np.intp)
        self._means = np.tile(np.asarray(configured, np.float64), (len(guard.segments), 1))
        self._means[:, known >= 0] = guard.quality[:, known[known >= 0]]
        self._part = guard.part.tolist()
