"""Which of the open targets are taken: the best single one, a ladder where it is worth more, or one to learn of.

A target is worth ``good_answer_microcredits`` times its expected quality, less its expected cost; where a good answer
has no worth of its own, the cheapest that is good enough is best. Quality counts as its expectation: a mean that was
shrunk towards a prior needs no further discount to be chosen by (Smith and Winkler, The Optimizer's Curse, 2006), and
what is uncertain is looked at by exploring. Time is no cost unless it misses the deadline. Of two that are worth the
same the sooner is taken, then the better, then the first by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.decide.ladder import Limits, Rung, best_ladder, hull
from ringfenced.decide.rules import ceiling
from ringfenced.decide.table import Mask
from ringfenced.decide.weigh import Weighed
from ringfenced.inputs import Inputs

FALLBACKS_MAX: Final = 3
"""Most targets that stand by for a rung that gives no answer."""

BOUND_DEVIATIONS: Final = 2.0
"""How many standard deviations above its expectation a quality might be: 97.7% of a normal distribution lie below."""


Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken."""

    rungs: tuple[Rung, ...] = ()
    """The ladder; empty where no target is good enough."""
    fallbacks: tuple[int, ...] = ()
    """Rows that stand by."""
    preferred: int = -1
    """The row that is best as its first rung, whatever is tried this time."""
    propensity: float = 1.0
    """How likely this first rung was."""
    explored: bool = False
    """It was taken to learn of it."""


def choose(weighed: Weighed) -> Choice:
    """Choose among the open targets.

    Args:
        weighed: the targets beside the request.

    The rungs together keep to ceiling, wallet and the time left, and are no more than caller and policy allow.
    """
    inputs = weighed.inputs
    good = weighed.open & (weighed.quality >= inputs.asked.quality_min)
    limits = limits_of(inputs)
    first = _first(weighed, good, limits.length_max + FALLBACKS_MAX)
    if not first:
        return Choice()
    value, rungs = _best(weighed, good, _rung(weighed, first[0]), limits)
    choice = _explore(weighed, good, value, rungs, limits)
    return Choice(choice.rungs, _fallbacks(first, choice.rungs), rungs[0].place, choice.propensity, choice.explored)


def limits_of(inputs: Inputs) -> Limits:
    """What a ladder must keep to: the lower of the caller's and the policy's limits, and the wallet."""
    length_max = max(1, inputs.asked.permission.ladder_length_max)
    if inputs.rulings.ladder_length_max is not None:
        length_max = min(length_max, max(1, inputs.rulings.ladder_length_max))
    cost_max = inputs.circumstances.wallet_microcredits
    if (most := ceiling(inputs.asked, inputs.rulings)) is not None:
        cost_max = min(cost_max, most)
    return Limits(length_max, cost_max, inputs.circumstances.time_left_ms)


def _first(weighed: Weighed, rows: Mask, count: int) -> list[int]:
    """The best of some rows, at most so many, from the best on."""
    places = rows.nonzero()[0]
    utility = weighed.utility[places]
    if len(places) > count:
        least = np.maximum.reduce(utility) if count == 1 else np.partition(utility, -count)[-count]
        places = places[utility >= least]
    if len(places) > 1:
        latency_ms, quality = weighed.estimated.latency_ms[places], weighed.quality[places]
        keys = (weighed.table.rank[places], -quality, latency_ms, -weighed.utility[places])
        places = places[np.lexsort(keys)]
    first: list[int] = places[:count].tolist()
    return first


def _best(weighed: Weighed, good: Mask, single: Rung, limits: Limits) -> tuple[float, tuple[Rung, ...]]:
    """The best ladder, of one rung or more, and what it is worth less its cost."""
    value: float = weighed.utility.item(single.place)
    rungs: tuple[Rung, ...] = (single,)
    if limits.length_max == 1:
        return value, rungs
    worth = weighed.inputs.rating.good_answer_microcredits
    lower, upper = _corners(weighed, good, limits)
    longer = best_ladder(lower, upper, worth, limits) if lower else None
    if longer is not None and longer[0] > value:
        value, rungs = longer
    return value, rungs if worth > 0 else _extended(weighed, rungs, good, limits)


def _corners(weighed: Weighed, good: Mask, limits: Limits) -> tuple[list[Rung], list[Rung]]:
    """What may stand under another rung, and what may stand at the end: the corners of either's hull.

    What leaves no room for any other rung is left out before, so that a corner is one that fits.
    """
    lower, upper = (weighed.open & _judged(weighed)).nonzero()[0], good.nonzero()[0]
    for each, most in (
        (weighed.estimated.cost_max, limits.cost_max),
        (weighed.estimated.latency_ms, limits.time_left_ms),
    ):
        if most is None or not len(lower) or not len(upper) or 2 * np.maximum.reduce(each) <= most:
            continue
        under, above = each[lower], each[upper]
        lower, upper = lower[under <= most - above.min()], upper[above <= most - under.min()]
    if not len(lower) or not len(upper):
        return [], []
    return _hull(weighed, lower), _hull(weighed, upper)


def _hull(weighed: Weighed, rows: Places) -> list[Rung]:
    estimated = weighed.estimated
    corners = hull(rows, estimated.cost, weighed.quality, estimated.latency_ms, weighed.table.rank)
    return [
        Rung(
            corner.place,
            -corner.loss,
            corner.cost,
            estimated.cost_max.item(corner.place),
            corner.latency_ms,
            judged=_is_judged(weighed, corner.place),
        )
        for corner in corners
    ]


def _extended(weighed: Weighed, rungs: tuple[Rung, ...], good: Mask, limits: Limits) -> tuple[Rung, ...]:
    """The ladder with ever better rungs above it, cheapest first.

    Where a good answer has no worth of its own, the caller's word that there may be so many rungs says that an answer
    that falls short is to be handed up.
    """
    while len(rungs) < limits.length_max and rungs[-1].judged:
        cost_max = limits.cost_max - sum(rung.cost_max for rung in rungs)
        better = good & (weighed.quality > rungs[-1].quality) & (weighed.estimated.cost_max <= cost_max)
        if limits.time_left_ms is not None:
            left_ms = limits.time_left_ms - sum(rung.latency_ms for rung in rungs)
            better &= weighed.estimated.latency_ms <= left_ms
        cheapest = _first(weighed, better, 1)
        if not cheapest:
            break
        rungs = (*rungs, _rung(weighed, cheapest[0]))
    return rungs


def _explore(weighed: Weighed, good: Mask, value: float, rungs: tuple[Rung, ...], limits: Limits) -> Choice:
    """The same ladder, or, for a small share of requests, one that begins with a target that may be better.

    Tried is only what is open, is expected to be good enough, and would be worth more than what is best now if its
    quality were at its upper bound: of what could not change the choice there is nothing to learn, and what a caller
    calls good enough is a promise that chance does not break. Which one is as likely as any other. Never where the
    caller named the model.
    """
    inputs = weighed.inputs
    rating, draw = inputs.rating, inputs.circumstances.draw
    if draw is None or rating.explore <= 0 or inputs.asked.model:
        return Choice(rungs)
    uncertainty = np.asarray(rating.uncertainty, np.float64)
    bound = np.minimum(1.0, weighed.quality + BOUND_DEVIATIONS * uncertainty)
    worth = rating.good_answer_microcredits * bound - weighed.estimated.cost
    may_be_better = good & (worth > value)
    may_be_better[rungs[0].place] = False
    places = may_be_better.nonzero()[0]
    if not len(places):
        return Choice(rungs)
    if draw >= rating.explore:
        return Choice(rungs, propensity=1.0 - rating.explore)
    place = int(places[min(int(draw / rating.explore * len(places)), len(places) - 1)])
    tried = _rung(weighed, place)
    return Choice((tried, *_above(tried, rungs, limits)), propensity=rating.explore / len(places), explored=True)


def _above(tried: Rung, rungs: tuple[Rung, ...], limits: Limits) -> tuple[Rung, ...]:
    """The better rungs of the best ladder above one that is tried, so far as they fit."""
    if not tried.judged or limits.length_max == 1:
        return ()
    better = tuple(rung for rung in rungs if rung.quality > tried.quality)[1 - limits.length_max :]
    return better if limits.fit((tried, *better)) else ()


def _fallbacks(first: list[int], rungs: tuple[Rung, ...]) -> tuple[int, ...]:
    """The next best of what is open and good enough: what would be taken were the rungs away.

    Each keeps to ceiling and wallet by itself; who lets one stand in holds what it costs more than the rung.
    """
    taken = [rung.place for rung in rungs]
    return tuple([place for place in first if place not in taken][:FALLBACKS_MAX])


def _judged(weighed: Weighed) -> Mask:
    asked = weighed.inputs.asked
    if asked.evaluators or asked.schema_checked:
        return np.ones(len(weighed.table), np.bool_)
    return weighed.table.judged


def _rung(weighed: Weighed, place: int) -> Rung:
    estimated = weighed.estimated
    return Rung(
        place,
        weighed.quality.item(place),
        estimated.cost.item(place),
        estimated.cost_max.item(place),
        estimated.latency_ms.item(place),
        judged=_is_judged(weighed, place),
    )


def _is_judged(weighed: Weighed, place: int) -> bool:
    asked = weighed.inputs.asked
    return bool(asked.evaluators) or asked.schema_checked or weighed.table.offers[place].is_judged
