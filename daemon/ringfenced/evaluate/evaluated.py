"""The value of an expression of symbols: a small calculator with bounds on everything, and no `eval`.

Every value carries how far rounding of its operands may have moved it (first-order error propagation: the slack of a
sum is the sum of the slacks; of a product a·b it is |a|·slack(b) + |b|·slack(a)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ringfenced.evaluate.figures import Symbol

__all__ = ["DEPTH_MAX", "Reading", "evaluated"]

DEPTH_MAX = 16
"""Brackets within brackets."""
_POWER_MAX = 64.0
_VALUE_MAX = 1e15
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "^": 4}

_Value = tuple[float, float, bool]
"""A value, its slack, and whether it is a percentage."""


class Reading(NamedTuple):
    """How the numbers of an equation are meant."""

    german: bool
    """Whether 1.234 is one thousand."""
    units: bool
    """Whether numbers count in their unit's base: 50 cents as 0.5."""
    share: Literal["part", "plain", "added"] | str  # noqa: PYI051  the three are what is understood
    """What 20% is: 0.2; 20; or, after + or -, that part of what stands before."""


def evaluated(side: Sequence[Symbol], reading: Reading) -> tuple[float, float] | None:
    """The value of `side` and its slack; None where it has none or a bound is passed. Shunting-yard (Dijkstra 1961)."""
    values: list[_Value] = []
    waiting: list[str] = []
    depth = 0
    for symbol in side:
        if symbol.kind == "n":
            values.append(_value(symbol, reading))
        elif symbol.kind == "(":
            depth += 1
            waiting.append("(")
        elif symbol.kind == ")":
            depth -= 1
            if not _unwind(values, waiting, 0) or not waiting:
                return None
            waiting.pop()
        else:
            rank = _RANK[symbol.text]
            right = symbol.text in {"^", "neg"}
            if not _unwind(values, waiting, rank + right):
                return None
            waiting.append(symbol.text)
        if depth > DEPTH_MAX:
            return None
    if not _unwind(values, waiting, 0) or waiting or len(values) != 1:
        return None
    return values[0][0], values[0][1]


def _value(symbol: Symbol, reading: Reading) -> _Value:
    value, step = (symbol.other, symbol.other_step) if reading.german else (symbol.value, symbol.step)
    share = symbol.percent and reading.share
    scale = 0.01 if share in {"part", "added"} else 1.0
    if reading.units and symbol.unit is not None:
        scale *= symbol.unit.factor
    slack = step / 2 if step < 0.1 or (step < 1 and round(value * 10) % 10 in {3, 7}) else 0.0  # noqa: PLR2004
    return value * scale, slack * scale, share == "added"


def _unwind(values: list[_Value], waiting: list[str], rank: int) -> bool:
    """Apply the operators that wait and bind at least as strongly as `rank`; False where that fails."""
    while waiting and waiting[-1] != "(" and _RANK[waiting[-1]] >= max(rank, 1):
        operator = waiting.pop()
        if len(values) < (1 if operator == "neg" else 2):
            return False
        last = values.pop()
        done = (-last[0], last[1], last[2]) if operator == "neg" else _applied(operator, values.pop(), last)
        if done is None or not math.isfinite(done[0]) or abs(done[0]) > _VALUE_MAX:
            return False
        values.append(done)
    return True


def _applied(operator: str, one: _Value, other: _Value) -> _Value | None:
    a, slack_a, _ = one
    b, slack_b, percent = other
    if operator in "+-":
        if percent and not one[2]:
            b, slack_b = a * b, abs(a) * slack_b
        return (a + b if operator == "+" else a - b), slack_a + slack_b, one[2] and percent
    if operator == "*":
        return a * b, abs(a) * slack_b + abs(b) * slack_a, False
    if operator == "/":
        return None if b == 0 else (a / b, (slack_a + abs(a / b) * slack_b) / abs(b), False)
    if abs(b) > _POWER_MAX or (a < 0 and b != round(b)) or (a == 0 and b <= 0) or abs(a) > _VALUE_MAX:
        return None
    if a != 0 and b * math.log(abs(a)) > math.log(_VALUE_MAX):
        return None
    return a**b, slack_a * abs(b) * (abs(a) ** (b - 1) if a else 0.0), False
