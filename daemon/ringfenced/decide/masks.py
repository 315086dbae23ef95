"""Rules 1 to 10 asked of all targets at once; `rules` has the same for one, with the reasons, and the numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.account.many import Estimates
from ringfenced.decide.rules import CHARS_PER_TOKEN_MAX, ceiling, is_cleared
from ringfenced.decide.table import Mask, Table
from ringfenced.inputs import Asked, Circumstances, Inputs

OPEN: Final = 0
"""The number of no rule: the target is open."""


def removals(table: Table, estimated: Estimates, inputs: Inputs) -> NDArray[np.int8]:
    """For each target the number of the first rule that removes it, `OPEN` for none.

    The rules are asked from the last to the first, so that an earlier one writes over a later one.
    """
    asked, circumstances = inputs.asked, inputs.circumstances
    numbers = np.zeros(len(table), np.int8)
    np.putmask(numbers, estimated.cost_max > circumstances.wallet_microcredits, 10)
    if (most := ceiling(asked, inputs.rulings)) is not None:
        np.putmask(numbers, estimated.cost_max > most, 9)
    if circumstances.time_left_ms is not None:
        np.putmask(numbers, estimated.latency_ms > circumstances.time_left_ms, 8)
    np.putmask(numbers, _unavailable(table, circumstances), 7)
    np.putmask(numbers, asked.prompt_chars // CHARS_PER_TOKEN_MAX >= table.prices.context * asked.inputs, 6)
    for ability in asked.needs:
        np.putmask(numbers, table.lacks[ability], 5)
    np.putmask(numbers, table.denied.of(inputs.rulings.by_target), 4)
    np.putmask(numbers, _not_cleared(table, asked), 3)
    if (barred := _not_permitted(table, asked)) is not None:
        np.putmask(numbers, barred, 2)
    if asked.model:
        np.putmask(numbers, ~table.models.among((asked.model,)), 1)
    return numbers


def _unavailable(table: Table, circumstances: Circumstances) -> Mask:
    closed = [table.place[target] for target in circumstances.closed if target in table.place]
    if not closed:
        return table.away
    mask = table.away.copy()
    mask[closed] = True
    return mask


def _not_cleared(table: Table, asked: Asked) -> Mask:
    """Asked once for each clearance that there is: few, however many targets."""
    barred = [clearance is not None and not is_cleared(clearance, asked) for clearance in table.clearances]
    return np.array(barred, np.bool_)[table.clearance]


def _not_permitted(table: Table, asked: Asked) -> Mask | None:
    """The providers' targets that the caller keeps this request from; None for none."""
    permission = asked.permission
    if permission.local_only:
        return table.leaves
    barred: Mask | None = None
    if permission.providers:
        barred = ~table.providers.among(permission.providers)
    if permission.regions:
        elsewhere = ~table.regions.among(permission.regions)
        barred = elsewhere if barred is None else barred | elsewhere
    return None if barred is None else barred & table.leaves
