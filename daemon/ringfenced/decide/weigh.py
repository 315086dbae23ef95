"""What speaks for and against each target: whether it is open, what it costs, how good it is expected to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.account import estimate
from ringfenced.account.many import Estimates, Real, estimates
from ringfenced.decide.masks import OPEN, removals
from ringfenced.decide.table import Mask, Table, compiled
from ringfenced.inputs import Asked, Inputs
from ringfenced.made_once import MadeOnce

TABLES_MAX: Final = 8
"""Tables that are remembered: of the offers in use, and of those that requests on their way still hold."""

_TABLES: Final = MadeOnce(compiled, TABLES_MAX)


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """The site's targets beside one request: a row a target. Never changed."""

    table: Table
    """The targets."""
    inputs: Inputs
    """The request, and what is known."""
    estimated: Estimates
    """What each is expected to take."""
    quality: Real
    """How good each is expected to be."""
    utility: Real
    """What each is worth, less its cost, in microcredits."""
    removed: NDArray[np.int8]
    """The number of the rule that removes each; `OPEN` for none."""
    open: Mask
    """The rows that no rule removes."""


def weigh(inputs: Inputs) -> Weighed:
    """Put every target beside the request."""
    table = _TABLES.of(inputs.offers)
    asked, rating = inputs.asked, inputs.rating
    estimated = estimates(table.prices, asked.prompt_chars, asked.tokens_max, inputs=asked.inputs)
    _count_on_cache(estimated, table, inputs)
    quality = np.asarray(rating.quality, np.float64)
    removed = removals(table, estimated, inputs)
    return Weighed(
        table=table,
        inputs=inputs,
        estimated=estimated,
        quality=quality,
        utility=rating.good_answer_microcredits * quality - estimated.cost,
        removed=removed,
        open=np.equal(removed, OPEN),
    )


def cached_chars(asked: Asked, inputs: Inputs) -> int:
    """Code points of the prompt that the conversation's last target need not read anew."""
    return min(inputs.circumstances.cached_chars, asked.prompt_chars)


def _count_on_cache(estimated: Estimates, table: Table, inputs: Inputs) -> None:
    """What staying where the conversation was is expected to save; the most that it may cost stays whole."""
    last = inputs.circumstances.last
    if last is None or (place := table.place.get(last)) is None:
        return
    asked = inputs.asked
    sparing = estimate(
        table.offers[place],
        asked.prompt_chars,
        asked.tokens_max,
        inputs=asked.inputs,
        cached_chars=cached_chars(asked, inputs),
    )
    estimated.cost[place] = sparing.cost_microcredits
    estimated.latency_ms[place] = sparing.latency_ms
