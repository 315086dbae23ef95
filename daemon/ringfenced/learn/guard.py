"""In which segments the learned scores may be believed: where replay shows that they beat the best fixed mix.

On kinds of request that were never seen, learned routers lose badly to a fixed mix of models (the "zero-router"). So a
segment's scores are used only where, over a range of costs, choosing by them is better than the mix of equal cost with
90 percent confidence; for a segment not seen the same must hold for segments that the scores did not learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
SEGMENTS_MIN: Final = 5
"""Fewest segments from which anything follows for those not seen."""
PARTS: Final = (0.5, 1.0)
"""How much of the learned scores may be used. The highest of many uncertain scores is mostly too high; half way to each
model's mean costs little where they are right and saves much where they are not."""
SITE_LABELS: Final = 10.0
"""Labels as many as the operator's own word on a model, its configured quality, counts for."""
SEGMENT_LABELS: Final = 10.0
"""Labels as many as what a model is worth over all segments counts for in one of them: one answer decides nothing."""
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
    part: Floats
    """How much of the learned scores is used, 0 to 1; the rest is each model's mean there."""
    quality: Floats
    """The mean quality of each model there, few labels drawn towards what is known otherwise (segments by models)."""

    def is_trusted(self, segment: str) -> bool:
        """Whether learned scores are used in a segment."""
        place = self._place(segment)
        return place is not None and bool(self.part[place] > 0)

    def mixed(self, segment: str, models: Sequence[str], learned: NDArray[Any], otherwise: NDArray[Any]) -> Floats:
        """What to expect of models for one request in a segment.

        Args:
            segment: its name.
            models: that could answer.
            learned: what heads expect of each.
            otherwise: of each, for one that was never taken there.
        """
        place = self._place(segment)
        means = self.means(segment)
        part = 0.0 if place is None else float(self.part[place])
        mean = np.array([means.get(model, given) for model, given in zip(models, otherwise, strict=True)], np.float64)
        return mean + part * (np.asarray(learned, np.float64) - mean)

    def means(self, segment: str) -> dict[str, float]:
        """Each model's mean quality in a segment, where it is known; over all of them for one that is not."""
        place = self._place(segment)
        return {} if place is None else dict(zip(self.models, self.quality[place].tolist(), strict=True))

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
            "guard.part": self.part,
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
            names = ("gain", "error", "part", "quality")
            gain, errors, parts, quality = (arrays[f"guard.{name}"].astype(np.float64) for name in names)
        except (KeyError, ValueError) as error:
            raise BadState("the guard is missing from learned state; refit it from the outcomes") from error
        count = gain.size
        segments = tuple(texts[0].split("\n")) if count else ()
        models = tuple(texts[1].split("\n")) if texts[1] else ()
        shapes = (errors.shape, parts.shape, quality.shape)
        if shapes != ((count,), (count,), (count, len(models))) or len(segments) != count or count > SEGMENTS_MAX + 1:
            raise BadState("the guard in learned state is of unequal arrays; refit it from the outcomes")
        return cls(segments, models, gain, errors, np.clip(parts, 0, 1), quality)


_NOTHING = np.zeros(0)
GUARD_NONE: Final = Guard((), (), _NOTHING, _NOTHING, _NOTHING, np.zeros((0, 0)))
"""Of a site that has learned nothing."""


def gained(logged: Logged, cost: Floats, part: float = 1.0) -> Estimate:
    """How much better than the mix of equal cost the choice by what was expected is, on the mean of a range of prices.

    Args:
        logged: outcomes, and what was expected by scores that did not learn from them.
        cost: mean of each model.
        part: how much of the scores is used beside each model's mean.
    """
    if not len(logged.taken):
        return Estimate(0.0, float("inf"), 0)
    worth_each = means(logged)
    logged = replace(logged, modelled=worth_each + part * (logged.modelled - worth_each))
    shares = np.zeros(len(logged.taken))
    prices = prices_of(logged.modelled, cost)
    for price in prices:
        taken = np.argmax(logged.modelled - price * cost, axis=1)
        learned = np.eye(len(cost))[taken]
        fixed = choose.mix(cost, worth_each, float(cost[taken].mean()))
        shares += robust(learned, logged) - robust(np.tile(fixed, (len(taken), 1)), logged)
    return estimate(shares / len(prices), logged.weight)


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


def guarded(
    logged: Logged,
    apart: Logged,
    segments: NDArray[Any],
    models: tuple[str, ...],
    cost: Floats,
    *,
    configured: Floats,
    overall: Floats | None = None,
) -> Guard:
    """Judge each segment, and those not seen.

    Args:
        logged: outcomes, with what heads expected that learned from other rows.
        apart: the same with what heads expected that learned from other segments.
        segments: the name of each row's.
        models: the columns.
        cost: mean of each.
        configured: quality of each as configured, 0 to 1.
        overall: what each row counts where the segments are taken together; None for as much as in its own.
    """
    names = sorted(set(segments.tolist()) - {UNSEEN})[:SEGMENTS_MAX]
    found = [_best(partial(gained, own, cost)) for own in _parted(logged, segments, names)]
    others = _parted(apart, segments, names)
    # What is not parted into segments is judged as a whole.
    found.append(_best(partial(_unseen, others, cost) if names else partial(gained, logged, cost)))
    together = logged if overall is None else replace(logged, weight=overall)
    means_all = _drawn(together, configured, SITE_LABELS)
    quality = [_drawn(own, means_all, SEGMENT_LABELS) for own in _parted(logged, segments, names)] + [means_all]
    return Guard(
        segments=(*names, UNSEEN),
        models=models,
        gain=np.array([estimated.mean for _, estimated in found]),
        error=np.array([estimated.error for _, estimated in found]),
        part=np.array([part for part, _ in found]),
        quality=np.array(quality).reshape(len(names) + 1, len(models)),
    )


def _parted(logged: Logged, segments: NDArray[Any], names: list[str]) -> list[Logged]:
    return [logged.at(np.flatnonzero(segments == name)) for name in names]


def _best(judge: Callable[[float], Estimate]) -> tuple[float, Estimate]:
    """The part with the highest gain of those that gain with confidence; 0 where none does."""
    tried = [(part, judge(part)) for part in PARTS]
    sure = [each for each in tried if each[1].rows >= ROWS_MIN and each[1].low > 0]
    if sure:
        return max(sure, key=lambda each: each[1].mean)
    return 0.0, max((estimated for _, estimated in tried), key=lambda estimated: estimated.mean)


def _unseen(each: list[Logged], cost: Floats, part: float) -> Estimate:
    """The gain in segments that were not learned from, each of them one draw."""
    gains = [gained(own, cost, part).mean for own in each if len(own.taken) >= ROWS_MIN]
    if len(gains) < SEGMENTS_MIN:
        return Estimate(0.0, float("inf"), 0)
    whole = estimate(np.array(gains))
    return Estimate(whole.mean, whole.error, sum(len(own.taken) for own in each))


def _drawn(logged: Logged, towards: Floats, labels: float) -> Floats:
    """Each model's mean score, drawn towards another figure as if that were the mean of so many `labels` more."""
    if not len(logged.taken):
        return towards
    count = np.bincount(logged.taken, logged.weight, minlength=len(towards)).astype(np.float64)
    if logged.every is not None:
        count[:] = len(logged.taken) if logged.weight is None else logged.weight.sum()
    mean = np.where(count > 0, np.clip(means(logged), 0, 1), 0.0)
    drawn: Floats = (mean * count + towards * labels) / (count + labels)
    return drawn


def costs_of(models: tuple[str, ...], costs: Mapping[str, float], taken: NDArray[np.intp], paid: Floats) -> Floats:
    """The mean cost of each model: as given, else as paid, else the mean of all."""
    total = np.bincount(taken, weights=paid, minlength=len(models))
    count = np.bincount(taken, minlength=len(models))
    seen = np.where(count > 0, total / np.maximum(count, 1), paid.mean() if len(paid) else 0.0)
    return np.array([costs.get(model, float(mean)) for model, mean in zip(models, seen, strict=True)], np.float64)
