"""In which segments the learned scores may be believed: where replay shows that they beat the best fixed mix.

On kinds of request that were never seen, learned routers lose badly to a fixed mix of models (the "zero-router"). So a
segment's scores are used only where, over a range of costs, choosing by them is better than the mix of equal cost with
95 percent confidence; for a segment not seen the same must hold for segments that the scores did not learn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn import choose
from ringfenced.learn.outcome import BadState
from ringfenced.learn.packed import Arrays
from ringfenced.learn.replay import Estimate, Logged, estimate, means, robust

Floats = NDArray[np.float64]
PRICES: Final = 9
"""So many trade-offs between quality and cost are replayed."""
ROWS_MIN: Final = 60
"""Fewest outcomes of a segment."""
SEGMENTS_MAX: Final = 1024
"""Most that are kept."""
UNSEEN: Final = ""
"""The entry for segments that are not in the table."""


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """A table by segment."""

    segments: tuple[str, ...]
    """Which; `UNSEEN` is one of them where something was learned."""
    models: tuple[str, ...]
    """The columns of `quality`."""
    gain: Floats
    """How much better than the mix of equal cost the learned choice is there, in quality."""
    error: Floats
    """The standard error of that; infinity where it was not measured."""
    trusted: NDArray[np.bool_]
    """Whether the learned scores are used."""
    quality: Floats
    """The mean quality of each model there (segments by models); NaN where it was never taken."""

    def is_trusted(self, segment: str) -> bool:
        """Whether learned scores are used in a segment."""
        place = self._place(segment)
        return place is not None and bool(self.trusted[place])

    def means(self, segment: str) -> dict[str, float]:
        """Each model's mean quality in a segment, where it is known; over all of them for one that is not."""
        place = self._place(segment)
        if place is None:
            return {}
        named = zip(self.models, self.quality[place].tolist(), strict=True)
        return {model: quality for model, quality in named if quality == quality}  # noqa: PLR0124 - NaN is unequal

    def _place(self, segment: str) -> int | None:
        wanted = segment if segment in self.segments else UNSEEN
        return self.segments.index(wanted) if wanted in self.segments else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is to be kept."""
        return {
            "guard.segments": np.frombuffer("\n".join(self.segments).encode(), np.uint8),
            "guard.models": np.frombuffer("\n".join(self.models).encode(), np.uint8),
            "guard.gain": self.gain,
            "guard.error": self.error,
            "guard.trusted": self.trusted,
            "guard.quality": self.quality,
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Guard:
        """Read what `arrays` wrote.

        Raises:
            BadState: something is missing, or of another shape.
        """
        try:
            texts = [arrays[f"guard.{part}"].astype(np.uint8).tobytes().decode() for part in ("segments", "models")]
            gain, errors, quality = (
                arrays[f"guard.{part}"].astype(np.float64) for part in ("gain", "error", "quality")
            )
            trusted = arrays["guard.trusted"].astype(np.bool_)
        except (KeyError, ValueError) as error:
            raise BadState("the guard is missing from learned state; refit it from the outcomes") from error
        count = gain.size
        segments = tuple(texts[0].split("\n")) if count else ()
        models = tuple(texts[1].split("\n")) if texts[1] else ()
        shapes = (errors.shape, trusted.shape, quality.shape)
        if shapes != ((count,), (count,), (count, len(models))) or len(segments) != count or count > SEGMENTS_MAX + 1:
            raise BadState("the guard in learned state is of unequal arrays; refit it from the outcomes")
        return cls(segments, models, gain, errors, trusted, quality)


_NOTHING = np.zeros(0)
GUARD_NONE: Final = Guard((), (), _NOTHING, _NOTHING, np.zeros(0, np.bool_), np.zeros((0, 0)))
"""Of a site that has learned nothing."""


def gained(logged: Logged, cost: Floats) -> Estimate:
    """How much better than the mix of equal cost the choice by what was expected is, on the mean of a range of prices.

    Args:
        logged: outcomes, and what was expected by scores that did not learn from them.
        cost: mean of each model.
    """
    if not len(logged.taken):
        return Estimate(0.0, float("inf"), 0)
    worth_each = means(logged)
    shares = np.zeros(len(logged.taken))
    prices = prices_of(logged.modelled, cost)
    for price in prices:
        taken = np.argmax(logged.modelled - price * cost, axis=1)
        learned = np.eye(len(cost))[taken]
        fixed = choose.mix(cost, worth_each, float(cost[taken].mean()))
        shares += robust(learned, logged) - robust(np.tile(fixed, (len(taken), 1)), logged)
    return estimate(shares / len(prices))


def prices_of(modelled: Floats, cost: Floats) -> Floats:
    """Prices of cost that lead from the best models to the cheapest: spread as the differences in worth are.

    Args:
        modelled: what is expected of each model (columns), rows of requests.
        cost: mean of each model.
    """
    cheap = int(np.argmin(cost))
    dearer = cost > cost[cheap]
    if not dearer.any():
        return np.zeros(1)
    slopes = ((modelled - modelled[:, [cheap]])[:, dearer] / (cost - cost[cheap])[dearer]).max(axis=1)
    found: Floats = np.unique(np.maximum(np.quantile(slopes, np.linspace(0.05, 0.95, PRICES)), 0))
    return found


def guarded(logged: Logged, apart: Logged, segments: NDArray[Any], models: tuple[str, ...], cost: Floats) -> Guard:
    """Judge each segment, and those not seen.

    Args:
        logged: outcomes, with what heads expected that learned from other rows.
        apart: the same with what heads expected that learned from other segments.
        segments: the name of each row's.
        models: the columns.
        cost: mean of each.
    """
    names = sorted(set(segments.tolist()) - {UNSEEN})[:SEGMENTS_MAX]
    found = [gained(logged.at(np.flatnonzero(segments == name)), cost) for name in names]
    unseen = _unseen(apart, segments, names, cost)
    # What is not parted into segments is judged as a whole.
    found.append(gained(logged, cost) if not names else unseen)
    quality = [_means(logged.at(np.flatnonzero(segments == name))) for name in names] + [_means(logged)]
    return Guard(
        segments=(*names, UNSEEN),
        models=models,
        gain=np.array([estimated.mean for estimated in found]),
        error=np.array([estimated.error for estimated in found]),
        trusted=np.array([estimated.rows >= ROWS_MIN and estimated.low > 0 for estimated in found]),
        quality=np.array(quality).reshape(len(names) + 1, len(models)),
    )


def _unseen(apart: Logged, segments: NDArray[Any], names: list[str], cost: Floats) -> Estimate:
    """The gain in segments that were not learned from: each segment is one draw, the worst of them must not lose."""
    each = [gained(apart.at(np.flatnonzero(segments == name)), cost) for name in names]
    known = [estimated for estimated in each if estimated.rows >= ROWS_MIN]
    if len(known) < SEGMENTS_MIN:
        return Estimate(0.0, float("inf"), 0)
    gains = np.array([estimated.mean for estimated in known])
    whole = estimate(gains)
    return Estimate(whole.mean, whole.error, sum(estimated.rows for estimated in known))


SEGMENTS_MIN: Final = 5
"""Fewest segments from which anything follows for those not seen."""


def _means(logged: Logged) -> Floats:
    """Each model's mean worth; NaN for one that was not taken there."""
    if not len(logged.taken):
        return np.full(logged.modelled.shape[1], np.nan)
    worth_each = np.clip(means(logged), 0, 1)
    taken = np.bincount(logged.taken, minlength=len(worth_each)) > 0
    return np.where(taken, worth_each, np.nan)


def costs_of(models: tuple[str, ...], costs: Mapping[str, float], taken: NDArray[np.intp], paid: Floats) -> Floats:
    """The mean cost of each model: as given, else as paid, else the mean of all."""
    total = np.bincount(taken, weights=paid, minlength=len(models))
    count = np.bincount(taken, minlength=len(models))
    seen = np.where(count > 0, total / np.maximum(count, 1), paid.mean() if len(paid) else 0.0)
    return np.array([costs.get(model, float(mean)) for model, mean in zip(models, seen, strict=True)], np.float64)
