r"""Calculations and conversions in prose, and which of them are wrong: `check(text)`.

Read are equations of numbers with + - x / ^, brackets, percentages, currencies, units and a few words between them
("12 boxes x 3 = 36", "20% of 50 is 10", "2 hours = 120 minutes", \frac{3}{4} = 0.75), chains of them, and German and
French forms. Nothing is evaluated but these; where a text can be read in several ways (1.234, a percentage that is
added, cents beside dollars), a calculation is wrong only if it is wrong in every one. What holds an unknown, a function
or a name is left alone. Whether the right thing is calculated is not judged here.

Pure, linear in the text, at most `figures.CHARS_MAX` characters of it; nothing of the text is in what is returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal, NamedTuple

from ringfenced.evaluate.equations import SYMBOLS_MAX, equations
from ringfenced.evaluate.evaluated import Reading, evaluated
from ringfenced.evaluate.figures import CHARS_MAX, Symbol, symbols

__all__ = ["Calculation", "Checked", "Wrong", "calculations", "calculations_in", "check"]

Kind = Literal["calculation", "percent", "unit"]
_LINES = re.compile(r"[^\n]++(?:\n[ \t&]{0,8}[=≈][^\n]*+)*+")
_PROMISING = re.compile(
    r"[=≈≃]|\\approx|\d\s?(?:[+*×·⋅^]|plus|times|mal|fois|x\s)|(?:%|[Pp]ercent|Prozent|pour cent) (?:of|von|de)"  # noqa: RUF001
)
"""What no calculation is without, apart from rare ways to say one: all else is passed over at the speed of a scan."""
_PLAIN = r"(?:\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.\d{1,4})?(?![\d.,]\d)"
_SIGNS = r"\n=+*/×÷^%\\(){}<>≈_-"  # noqa: RUF001
_SIMPLE = re.compile(
    rf"(?:[^{_SIGNS}]*?(?:[^\W\d_]{{2}}|[.:,;])\s|\s*)"  # whatever cannot calculate, and a word or a mark before it
    r"(?<!times )(?<! plus )(?<!minus )(?<! by )(?<! of )(?<! mal )(?<! von )"
    rf"\$?(?P<one>{_PLAIN})(?: [a-z]{{3,20}})?"
    rf"\s?(?P<sign>[-+*x×/÷−])\s?\$?(?P<other>{_PLAIN})(?: [a-z]{{3,20}})?"  # noqa: RUF001
    rf"\s?=\s?\$?(?P<stated>{_PLAIN})(?!%)[^{_SIGNS[:-1]}\d−-]*$",  # noqa: RUF001
    re.MULTILINE,
)
"""A line with one calculation of two numbers and nothing else that could belong to it: what most worked answers are
made of. It is read here at the speed of a scan."""
_TRUNCATED = 0.01
"""A result cut off rather than rounded is taken from two decimals on: 20/3 = 6.66."""
_YEAR_MIN = 1900
_RELATIVE = 1e-11
"""How far two results may be apart for the arithmetic of doubles alone."""


class Calculation(NamedTuple):
    """An equation that was found and judged."""

    start: int
    """Where it begins, in characters."""
    end: int
    """Where it ends."""
    kind: Kind
    """What it is: plain, with percentages, or a conversion of units."""
    right: bool
    """Whether it holds in any reading, but for rounding."""
    rounded: bool
    """Whether it holds only after rounding."""
    operands: tuple[float, ...]
    """The numbers before the equals sign."""
    stated: float
    """The first number after it."""


class Wrong(NamedTuple):
    """A calculation that does not hold."""

    start: int
    """Where it begins, in characters of the text."""
    end: int
    """Where it ends."""
    kind: Kind
    """What it is: plain, with percentages, or a conversion of units."""


class Checked(NamedTuple):
    """What was found in a text."""

    calculations: int
    """How many calculations were found and judged."""
    wrong: tuple[Wrong, ...]
    """Those that do not hold, in their order."""


def check(text: str) -> Checked:
    """Find the calculations in `text` and those that are wrong.

    Args:
        text: prose, markdown or LaTeX, in English, German or French.

    Returns:
        How many there are and where the wrong ones stand; never the text itself.
    """
    found = calculations(text)
    return Checked(len(found), tuple(Wrong(one.start, one.end, one.kind) for one in found if not one.right))


def calculations(text: str) -> list[Calculation]:
    """All calculations of `text`, judged, in their order."""
    made: list[Calculation] = []
    for line in _LINES.finditer(text, 0, min(len(text), CHARS_MAX)):
        start, end = line.span()
        simple = _SIMPLE.match(text, start, end)
        one = _simply(simple) if simple else None
        if one is not None:
            made.append(one)
        elif _PROMISING.search(text, start, end):
            made += calculations_in(symbols(text, start, end))
    return made


def _simply(found: re.Match[str]) -> Calculation | None:
    """The one calculation of a plain line, where it holds exactly; None leaves the line to the general way."""
    one, other, stated = (float(found[name].replace(",", "")) for name in ("one", "other", "stated"))
    sign = found["sign"]
    if sign in "/÷":
        worth = one / other if other else None
    else:
        worth = one + other if sign == "+" else one - other if sign in "-−" else one * other  # noqa: RUF001
    if worth != stated:
        return None
    return Calculation(
        start=found.start("one"),
        end=found.end("stated"),
        kind="calculation",
        right=True,
        rounded=False,
        operands=(one, other),
        stated=stated,
    )


def calculations_in(given: Sequence[Symbol]) -> list[Calculation]:
    """All calculations in symbols of `figures.symbols`, judged, in their order."""
    if not any(symbol.kind in "=~i" for symbol in given):
        return []
    made: list[Calculation] = []
    for sides, about in equations(given):
        pairs = zip(sides, sides[1:], about, strict=False)
        made.extend(one for left, right, loose in pairs if (one := _judged(left, right, loose=loose)))
    return made


def _judged(left: Sequence[Symbol], right: Sequence[Symbol], *, loose: bool) -> Calculation | None:
    """Whether `left` equals `right` in any reading; None where that is no calculation."""
    both = (*left, *right)
    numbers = [symbol for symbol in both if symbol.kind == "n"]
    kind = _kind(left, right, numbers)
    stated = next((symbol for symbol in right if symbol.kind == "n"), None)
    if kind is None or stated is None or max(len(left), len(right)) > SYMBOLS_MAX:
        return None
    if (kind != "unit" and len({symbol.letter for symbol in numbers}) > 1) or _is_date(left):
        return None  # 2x + 3 = 7 has an unknown
    verdicts: list[str | None] = []
    for reading in _readings(numbers, kind):
        verdict = _holds(left, right, reading, loose=loose)
        # 1,557 x 6 = 9,340 is no German 9.34: a reading that the text does not force has to fit exactly
        verdicts.append("" if verdict == "rounded" and reading.german else verdict)
        if verdict == "exact":
            break
    if all(verdict is None for verdict in verdicts):
        return None
    return Calculation(
        start=both[0].start,
        end=both[-1].end,
        kind=kind,
        right=any(verdicts),
        rounded="exact" not in verdicts,
        operands=tuple(symbol.value for symbol in left if symbol.kind == "n"),
        stated=stated.value,
    )


def _is_date(side: Sequence[Symbol]) -> bool:
    """Whether the side is 3/4/2025."""
    return [symbol.text for symbol in side] == ["", "/", "", "/", ""] and side[-1].value >= _YEAR_MIN


def _kind(left: Sequence[Symbol], right: Sequence[Symbol], numbers: Sequence[Symbol]) -> Kind | None:
    calculates = any(symbol.kind == "o" and symbol.text != "neg" for symbol in (*left, *right))
    if calculates:
        return "percent" if any(symbol.percent for symbol in numbers) else "calculation"
    units = [symbol.unit for symbol in numbers]
    if len(units) == 2 and units[0] and units[1] and units[0].dimension == units[1].dimension:  # noqa: PLR2004
        return "unit" if units[0] != units[1] else None
    return None


def _readings(numbers: Sequence[Symbol], kind: Kind) -> Iterator[Reading]:
    """The ways in which the numbers can be meant."""
    open_ = any(symbol.other != symbol.value for symbol in numbers)
    measured = kind == "unit" or len({symbol.unit for symbol in numbers if symbol.unit}) > 1
    shares = ("part", "plain", "added") if kind == "percent" else ("part",)
    factors = (True,) if kind == "unit" else (False, True) if measured else (False,)
    for german, units, share in product((False, True) if open_ else (False,), factors, shares):
        yield Reading(german=german, units=units, share=share)


def _holds(left: Sequence[Symbol], right: Sequence[Symbol], reading: Reading, *, loose: bool) -> str | None:
    """`exact`, `rounded`, `` if it does not hold, None if a side has no value."""
    one, other = evaluated(left, reading), evaluated(right, reading)
    if one is None or other is None:
        return None
    first = next(symbol for symbol in right if symbol.kind == "n")
    verdict = _near(one, other, _step(right, reading), loose=loose)
    if not verdict and len(right) > 1 and right[0] is first:
        alone = evaluated([first], reading)  # 5 x 3 = 15 + 2 = 17 is two calculations in one breath
        verdict = _near(one, alone, _step([first], reading), loose=loose) if alone else verdict
    return verdict


def _step(side: Sequence[Symbol], reading: Reading) -> float:
    """One of the last place of a side that is one number; 0 for an expression."""
    if len(side) != 1:
        return 0.0
    step = side[0].other_step if reading.german else side[0].step
    scale = 0.01 if side[0].percent and reading.share == "part" else 1.0
    return step * scale * (side[0].unit.factor if reading.units and side[0].unit else 1.0)


def _near(one: tuple[float, float], other: tuple[float, float], step: float, *, loose: bool) -> str:
    """Whether two values, each with what rounding may have moved it by, are equal; the other was rounded to `step`."""
    apart = abs(one[0] - other[0])
    bound = _RELATIVE * max(abs(one[0]), abs(other[0]), 1e-300)
    if apart <= bound:
        return "exact"
    whole = step >= 1 and one[1] == 0 and one[0] == round(one[0])
    allowed = step * (1 if step <= _TRUNCATED or loose else 0 if whole else 0.5)
    if loose:
        allowed = max(allowed, 0.01 * abs(one[0]))
    return "rounded" if apart <= allowed * (1 + _RELATIVE) + one[1] + other[1] + bound else ""
