"""Which targets to try one after the other: cheap, evaluated, and handed up where the answer falls short.

What a ladder is expected to give rests on one assumption: **a question that a better target gets wrong, a worse one
gets wrong too**, and the evaluator tells good answers from others. Of all ways in which targets can fail together this
one gives a ladder the least (nothing is gained by trying the same question twice), so that a ladder is never taken for
what it might not have. With rungs of quality q1 < q2 < … < qk then

    reach of rung i   1 - q(i-1): the rung before fell short, and so did all before it
    quality           qk: as good as its last rung
    cost, time        each rung's, times its reach

so that the worth of a ladder, `worth`·qk less its cost, is a sum over neighbours, and the best ladder is found from
its end: the best way on from a rung depends on that rung alone. Which rung is best is linear in its cost and quality,
therefore only corners of the concave hull of (cost, quality) can be one, as with fixed mixes of models (Chen, Zaharia
and Zou, FrugalGPT, 2023, on cascades; Hu et al., RouterBench, 2024, on the hull). Budget and time are checked on the
way: where they bind, what is found fits, and a better one that fits may exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Kept = TypeVar("Kept")

HULL_MAX: Final = 8
"""Most corners that are looked at; a concave hull of two hundred random points has about ten."""


class Rung(NamedTuple):
    """A target that may be a rung; a named tuple because dozens are made for a decision."""

    place: int
    """Its row."""
    quality: float
    """Expected, 0 to 1."""
    cost: int
    """Expected, in microcredits."""
    cost_max: int
    """At most, in microcredits."""
    latency_ms: int
    """Expected."""
    judged: bool
    """Its answers are judged, so that another rung may stand above it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a ladder must keep to as a whole."""

    length_max: int
    """Most rungs, at least 1."""
    cost_max: int
    """Most microcredits that all rungs together may cost."""
    time_left_ms: float | None
    """Time that all rungs one after the other may take; None for no limit."""

    def fit(self, rungs: Iterable[Rung]) -> bool:
        """Whether rungs keep to cost and time together."""
        several = tuple(rungs)
        return self.allow(sum(rung.cost_max for rung in several), sum(rung.latency_ms for rung in several))

    def allow(self, cost_max: int, latency_ms: int) -> bool:
        """Whether a cost and a time are within."""
        return cost_max <= self.cost_max and (self.time_left_ms is None or latency_ms <= self.time_left_ms)


class _Way(NamedTuple):
    """Rungs from one on to the end."""

    rungs: tuple[Rung, ...]
    value: float
    """Worth of the answer, less the cost of all rungs after the first."""
    latency_ms: float
    """Expected time of all rungs after the first."""
    cost_max: int
    """Of all rungs together."""
    latency_ms_max: int
    """Of all rungs together."""


def expected(rungs: Sequence[Rung], judging: Sequence[tuple[float, float]] = ()) -> tuple[float, float, float, float]:
    """Expected cost in microcredits, time in milliseconds, runs and cost of judging of a ladder, rungs by their reach.

    Args:
        rungs: from the first on.
        judging: what judging the answer of each costs and takes, as far as there is something; its time is added.
    """
    cost = latency = runs = judged = 0.0
    reach = 1.0
    for place, rung in enumerate(rungs):
        cost_judging, latency_judging = judging[place] if place < len(judging) else (0.0, 0.0)
        cost += reach * rung.cost
        judged += reach * cost_judging
        latency += reach * (rung.latency_ms + latency_judging)
        runs += reach
        reach = min(reach, 1.0 - rung.quality)
    return cost, latency, runs, judged


def best_ladder(
    lower: Sequence[Rung], upper: Sequence[Rung], worth: float, limits: Limits
) -> tuple[float, tuple[Rung, ...]] | None:
    """The best ladder of at least two rungs, and what it is worth less its cost, in microcredits; None for none.

    Args:
        lower: what may stand under another rung; all are judged.
        upper: what may stand at the end; all are good enough.
        worth: what a good answer is worth, in microcredits; 0 looks for the least cost.
        limits: what it must keep to.

    Of two that are worth the same the sooner is taken, then the shorter, then the one that comes first.
    """
    ways = [_Way((rung,), worth * rung.quality, 0.0, rung.cost_max, rung.latency_ms) for rung in upper]
    best: tuple[float, float, _Way] | None = None
    for _ in range(limits.length_max - 1):
        ways = [way for rung in lower if (way := _best_on(rung, ways, limits)) is not None]
        for way in ways:
            first = way.rungs[0]
            value, latency = way.value - first.cost, way.latency_ms + first.latency_ms
            if best is None or (value, -latency) > (best[0], -best[1]):
                best = value, latency, way
    return None if best is None else (best[0], best[2].rungs)


def _best_on(rung: Rung, ways: Sequence[_Way], limits: Limits) -> _Way | None:
    """The best way on from a rung that fell short, over one of the ways that begin with a better one."""
    reach = 1.0 - rung.quality
    best: _Way | None = None
    value = latency = 0.0
    for way in ways:
        above = way.rungs[0]
        if above.quality <= rung.quality:
            continue
        this = way.value - reach * above.cost
        if best is not None and this < value:
            continue
        this_latency = way.latency_ms + reach * above.latency_ms
        if best is not None and this == value and this_latency >= latency:
            continue
        if limits.allow(way.cost_max + rung.cost_max, way.latency_ms_max + rung.latency_ms):
            best, value, latency = way, this, this_latency
    if best is None:
        return None
    rungs, most, longest = (rung, *best.rungs), best.cost_max + rung.cost_max, best.latency_ms_max + rung.latency_ms
    return _Way(rungs, value, latency, most, longest)


class Corner(NamedTuple):
    """A corner of a hull; two of them compare as they are taken: the cheaper, the better, the sooner, by name."""

    cost: int
    """Expected, in microcredits."""
    loss: float
    """Its quality, negated."""
    latency_ms: int
    """Expected."""
    rank: int
    """Of its name among all."""
    place: int
    """Its row."""


def hull(
    rows: NDArray[np.int64],
    cost: NDArray[np.int64],
    quality: NDArray[np.float64],
    latency_ms: NDArray[np.int64],
    rank: NDArray[np.int64],
) -> list[Corner]:
    """The corners of the concave hull of (cost, quality) from above, cheapest first; at most `HULL_MAX`.

    Args:
        rows: those that may be one.
        cost: of every row, as the other columns.
        quality: expected.
        latency_ms: expected.
        rank: of its name among all.
    """
    ordered = rows[cost[rows].argsort()]
    gains = quality[ordered]
    # Rows of the same cost are in no order yet: some are left in that are no corner, none is left out that is one.
    front = ordered[gains >= np.maximum.accumulate(gains)]
    columns = cost[front], -quality[front], latency_ms[front], rank[front], front
    corners: list[Corner] = []
    for corner in map(Corner._make, sorted(zip(*(column.tolist() for column in columns), strict=True))):
        if corners and corner.loss >= corners[-1].loss:
            continue
        while len(corners) > 1 and _is_under(corners[-2], corners[-1], corner):
            corners.pop()
        corners.append(corner)
    return thinned(corners)


def thinned(corners: list[Kept]) -> list[Kept]:
    """At most `HULL_MAX` of them: both ends, and as many between them at even distances."""
    if len(corners) <= HULL_MAX:
        return corners
    return [corners[at * (len(corners) - 1) // (HULL_MAX - 1)] for at in range(HULL_MAX)]


def _is_under(before: Corner, middle: Corner, after: Corner) -> bool:
    """Whether the middle one lies on or under the line from the one before to the one after it."""
    rise = (before.loss - middle.loss) * (after.cost - middle.cost)
    return rise <= (middle.loss - after.loss) * (middle.cost - before.cost)
