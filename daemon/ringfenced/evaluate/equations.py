"""Equations in symbols: which numbers and signs belong to one, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ringfenced.evaluate.figures import Symbol

__all__ = ["SYMBOLS_MAX", "Equation", "equations"]

SYMBOLS_MAX = 64
"""Symbols of one side of an equation: a longer one is not judged."""


class Equation(NamedTuple):
    """Sides that are said to be equal."""

    sides: tuple[tuple[Symbol, ...], ...]
    """Two or more: of 5 + 3 = 8 = 2 x 4 there are three."""
    about: tuple[bool, ...]
    """For each equals sign whether it says `about`."""


def equations(given: Sequence[Symbol]) -> Iterator[Equation]:
    """Every equation in symbols of `figures.symbols`, in their order; linear in them."""
    reading = _Reading()
    for index, symbol in enumerate(given):
        if symbol.kind == "!":
            reading.close()
        elif reading.void:
            if symbol.kind in "=~":
                reading.close()  # x + 5 = 3 + 4 = 7: what follows the unknown may be ours again
        else:
            following = given[index + 1] if index + 1 < len(given) else None
            _take(reading, symbol, following)
        yield from reading.taken()
    reading.close()
    yield from reading.taken()


class _Reading:
    """The equation that is being read: sides that are done, and the one that is open."""

    def __init__(self) -> None:
        self.done: list[Equation] = []
        self.void = False  # until the next break: an unknown or a function makes it no business of ours
        self.worded = False  # words stand right before
        self._begin()

    def _begin(self) -> None:
        self.sides: list[tuple[Symbol, ...]] = []
        self.about: list[bool] = []
        self.open: list[Symbol] = []
        self.void = False

    def ends_in(self, kinds: str) -> bool:
        """Whether the open side's last symbol is one of `kinds`."""
        return bool(self.open) and self.open[-1].kind in kinds

    def close(self) -> None:
        """End the equation, and begin another."""
        while self.ends_in("o("):
            self.open.pop()
        sides = [*self.sides, _unbracketed(self.open)] if self.open else self.sides
        if len(sides) > 1 and not self.void:
            self.done.append(Equation(tuple(sides), tuple(self.about)))
        self._begin()

    def taken(self) -> list[Equation]:
        """What ended since the last call."""
        done, self.done = self.done, []
        return done

    def equate(self, *, about: bool) -> None:
        """The open side ends in an equals sign, if it is one."""
        if not self.ends_in("n)"):
            self.close()
            return
        self.sides.append(_unbracketed(self.open))
        self.about.append(about)
        self.open = []


def _take(reading: _Reading, symbol: Symbol, following: Symbol | None) -> None:
    worded, reading.worded = reading.worded, symbol.kind == "w"
    if len(reading.open) > SYMBOLS_MAX:
        reading.void = True
        return
    match symbol.kind:
        case "n" | "(":
            _take_operand(reading, symbol, worded=worded)
        case ")" if reading.ends_in("n)") and _depth(reading.open):
            reading.open.append(symbol)
        case "o":
            _take_operator(reading, symbol, following, worded=worded)
        case "=" | "~":
            reading.equate(about=symbol.kind == "~")
        case "i" if _is_sum(reading.open):
            reading.equate(about=False)
        case "a" if reading.sides and not reading.open:
            reading.about[-1] = True
        case "w" if reading.ends_in("o("):
            reading.void = True  # words are an operand: 5 + tax
        case "?":
            reading.void = True
        case _:
            reading.close()


def _take_operand(reading: _Reading, symbol: Symbol, *, worded: bool) -> None:
    """A number or an opening bracket: it goes on, or another equation begins with it."""
    bracket = symbol.kind == "("
    if reading.ends_in("n)"):
        if symbol.adjoins and not (bracket and reading.open[-1].worded):
            reading.open.append(Symbol("o", "*", symbol.start, symbol.start))  # 2(3 + 4)
        else:
            reading.close()
    elif bracket and worded and symbol.adjoins:
        reading.void = True  # a function
    reading.open.append(symbol)


def _take_operator(reading: _Reading, symbol: Symbol, following: Symbol | None, *, worded: bool) -> None:
    operand = reading.ends_in("n)")
    if symbol.text == "of":
        if operand and _is_share(reading.open):
            reading.open.append(symbol._replace(text="*"))
        else:
            reading.close()
    elif operand:
        reading.open.append(symbol)
    elif symbol.text == "-" and following is not None and following.kind in "n(" and following.adjoins:
        reading.open.append(symbol._replace(text="neg"))
    elif worded:
        reading.void = True  # words are an operand: tax + 5


def _depth(side: Sequence[Symbol]) -> int:
    return sum((symbol.kind == "(") - (symbol.kind == ")") for symbol in side)


def _unbracketed(side: Sequence[Symbol]) -> tuple[Symbol, ...]:
    """What stands after the last bracket that is still open."""
    depth = 0
    for index in range(len(side) - 1, -1, -1):
        depth += (side[index].kind == ")") - (side[index].kind == "(")
        if depth < 0:
            return tuple(side[index + 1 :])
    return tuple(side)


def _is_sum(side: Sequence[Symbol]) -> bool:
    """Whether the side calculates beyond doubt: 5 plus 3, not the dates 3/4 and 2020-2021."""
    return bool(side) and side[-1].kind in "n)" and any(one.kind == "o" and one.text in "+*^" for one in side)


def _is_share(side: Sequence[Symbol]) -> bool:
    """Whether the side ends in what can be a share of something: 20% or 3/4."""
    last = side[-1]
    return last.percent or (last.kind == ")" and not last.worded) or (len(side) > 1 and side[-2].text == "/")
