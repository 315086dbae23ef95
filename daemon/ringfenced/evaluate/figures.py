"""Numbers, operators and words of prose and LaTeX, as symbols: one linear pass that evaluates nothing.

A number may be written the English way (1,234.5), the German way (1.234,5) or the French way (1 234,5); where its form
leaves open which ("1.234"), the symbol carries both readings and its reader decides for a whole calculation at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ringfenced.evaluate.units import MONEY, UNITS, Unit, unit_of

__all__ = ["CHARS_MAX", "DIGITS_MAX", "Symbol", "symbols"]

CHARS_MAX = 20_000
"""Characters of a text that are read: what comes after them is not looked at."""
DIGITS_MAX = 15
"""Digits of a number: a double holds that many exactly (IEEE 754); a longer one is a name or a code."""
_WORDS_CHARS_MAX = 48
"""Words after a number that still belong to it ("12 boxes of pens"), in characters; more of them end a calculation."""


class Symbol(NamedTuple):
    """One symbol of a text."""

    kind: str
    """`n` number, `o` operator, `=` equals, `~` about equals, `a` a word for about, `i` a word for equals, `(`, `)`,
    `w` words, `?` what no calculation here may hold (a function, a command), `!` what ends one."""
    text: str
    """The operator: one of + - * / ^ and `of`; empty otherwise."""
    start: int
    """Where it begins, in characters."""
    end: int
    """Where it ends."""
    value: float = 0.0
    """The number, the English way where that is open."""
    step: float = 1.0
    """One of its last digit's place: 0.01 for 1.25, 1 for a whole number."""
    other: float = 0.0
    """The number, the German way where that is open; `value` otherwise."""
    other_step: float = 1.0
    """One of that reading's last place."""
    percent: bool = False
    """Whether a percent sign follows."""
    unit: Unit | None = None
    """The unit that follows, or the currency beside it."""
    letter: str = ""
    """The single letter that follows: a unit or an unknown."""
    worded: bool = False
    """Whether words follow."""
    adjoins: bool = False
    """Whether nothing, not a space, parts it from the symbol before: the bracket of f(2)."""


_NUMBER = (
    r"\d{1,3} \d{1,2}/\d{1,3}(?![\d/,.])"
    r"|\d{1,3}(?:[,.'’\u00a0\u202f\u2009 ]\d{3})++(?!\d)(?:[.,]\d++)?"  # noqa: RUF001  an apostrophe that people type
    r"|\d++(?:[.,]\d++)?|\.\d++|[½¼¾⅓⅔]"
)
_TOKENS = re.compile(
    rf"(?P<n>{_NUMBER})"
    r"|(?P<o>(?<=[\d\s)])[xX](?=\s?[\d$(.])"
    r"|(?<=[\d)])\*\*(?=[\d(-])|(?<=[\d)] )\*\*(?= [\d(-])|(?<!\*)\*(?!\*)"  # of a power or a product, not of bold
    r"|[-+/^·⋅∙✕÷∕−–×]|\\(?:times|cdot|div)\b)"  # noqa: RUF001
    r"|(?P<z>[²³])"
    r"|(?P<w>[^\W\d_](?:[\w'’-]| (?=[^\W\d_]))*+)"  # noqa: RUF001
    r"|(?P<e>[=≈≃]|\\approx\b)"
    r"|(?P<p>\\?%)"
    r"|(?P<m>\\?[$€£¥₹¢])"
    r"|(?P<b>[(){}\[\]])"
    r"|(?P<f>\\[dt]?frac\b)"
    r"|(?P<s>\*{2,}|\\(?:left|right|text|mathrm|mathbf|boxed|quad|[,;! (\[)\]])|&|\n(?=[ \t&]{0,8}[=≈]))"
    r"|(?P<u>\\[a-zA-Z]+|[_√∑∫])"
    r"|(?P<q>\S|\n)"
)
_OPERATORS = {
    **dict.fromkeys(("*", "·", "⋅", "∙", "✕", "×", "x", "X", "\\times", "\\cdot"), "*"),  # noqa: RUF001
    **dict.fromkeys(("/", "÷", "∕", "\\div"), "/"),  # noqa: RUF001
    **dict.fromkeys(("-", "−", "–"), "-"),  # noqa: RUF001
    **dict.fromkeys(("^", "**"), "^"),
    "+": "+",
}
_EQUALS = (
    "is", "equals", "makes", "gives", "leaves", "is equal to", "will be", "would be", "ist", "sind", "ergibt",
    "ist gleich", "est", "sont", "font", "fait", "égale", "est égal à",
)  # fmt: skip
_ABOUT = ("about", "approximately", "around", "roughly", "etwa", "rund", "ungefähr", "environ")
_SPOKEN = {
    **dict.fromkeys(_EQUALS, ("i", "")),
    **dict.fromkeys([f"{equals} {about}" for equals in ("is", "equals", "ist", "est") for about in _ABOUT], ("~", "")),
    **dict.fromkeys(_ABOUT, ("a", "")),
    **dict.fromkeys(("plus",), ("o", "+")),
    **dict.fromkeys(("minus", "moins"), ("o", "-")),
    **dict.fromkeys(("times", "multiplied by", "mal", "fois", "multiplié par"), ("o", "*")),
    **dict.fromkeys(("divided by", "geteilt durch", "divisé par"), ("o", "/")),
    **dict.fromkeys(("of", "of the", "of his", "of her", "of their", "von", "de", "des"), ("o", "of")),
}
"""What words mean between two numbers, in English, German and French."""
_PERCENT = ("percent", "per cent", "prozent", "pour cent")
_FRACTIONS = {"½": 1 / 2, "¼": 1 / 4, "¾": 3 / 4, "⅓": 1 / 3, "⅔": 2 / 3}
_GROUP_DIGITS = 3


def symbols(text: str, start: int = 0, end: int = CHARS_MAX) -> list[Symbol]:
    """The symbols of `text` from `start` to `end` (characters; `CHARS_MAX` at most); linear in them."""
    reading = _Reading(text)
    for match in _TOKENS.finditer(text, start, min(len(text), end, CHARS_MAX)):
        _READERS[match.lastgroup or "q"](reading, match[0], match.start())
    return reading.made


class _Reading:
    """What has been read so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.made: list[Symbol] = []
        self.brackets: list[str] = []  # what each open bracket closes: "1" or "2", a fraction's halves, or ""
        self.half = ""  # which half of a fraction a bracket would open here
        self.money = -1  # where the last sign of currency ended

    def add(self, kind: str, text: str, start: int, length: int) -> None:
        before = self.made[-1].end if self.made else -1
        self.made.append(Symbol(kind, text, start, start + length, adjoins=before == start))

    def last(self, kinds: str) -> Symbol | None:
        """The last symbol, where it is one of `kinds`."""
        return self.made[-1] if self.made and self.made[-1].kind in kinds else None


def _read_number(at: _Reading, text: str, start: int) -> None:
    before = at.made[-1].end if at.made else -1
    adjoins = before == start
    if len(text) > DIGITS_MAX + 6 or sum(map(str.isdigit, text)) > DIGITS_MAX:
        at.add("?", "", start, len(text))
        return
    value, step, other, other_step = _valued(text)
    unit = MONEY if at.money == start else None
    at.made.append(
        Symbol("n", "", start, start + len(text), value, step, other, other_step, unit=unit, adjoins=adjoins)
    )


def _valued(text: str) -> tuple[float, float, float, float]:
    """The number the English way with one of its last place, and the German way likewise."""
    if text.isdecimal():
        value = float(text)
        return value, 1.0, value, 1.0
    if text in _FRACTIONS:
        return _FRACTIONS[text], 0.01, _FRACTIONS[text], 0.01
    if "/" in text:
        whole, _, parts = text.partition(" ")
        above, _, below = parts.partition("/")
        value = float(whole) + (float(above) / float(below) if float(below) else 0.0)
        return value, 1e-9, value, 1e-9
    english, german = _separated(text, ",", "."), _separated(text, ".", ",")
    first, second = english or german, german or english
    return (*first, *second) if first and second else (0.0, 1.0, 0.0, 1.0)


def _separated(text: str, grouping: str, point: str) -> tuple[float, float] | None:
    """The number where `grouping` parts thousands and `point` decimals, and one of its last place; None if neither."""
    whole, dot, decimals = text.rpartition(point) if point in text else (text, "", "")
    groups = re.split(rf"[{re.escape(grouping)}'’\u00a0\u202f\u2009 ]", whole)  # noqa: RUF001
    wrong = any(len(group) != _GROUP_DIGITS for group in groups[1:]) or (len(groups) > 1 and groups[0] in {"", "0"})
    if wrong or (dot and not decimals.isdecimal()) or (not "".join(groups).isdecimal() and "".join(groups)):
        return None
    return float(f"{''.join(groups) or '0'}.{decimals or '0'}"), 10.0 ** -len(decimals)


def _read_operator(at: _Reading, text: str, start: int) -> None:
    at.add("o", _OPERATORS[text], start, len(text))


def _read_words(at: _Reading, text: str, start: int) -> None:
    lower = text.lower()
    if "_" in text:
        at.add("?", "", start, len(text))  # log_2, a_1
        return
    spoken = _SPOKEN.get(lower)
    if spoken is not None:
        at.add(*spoken, start, len(text))
        return
    for percent in _PERCENT if lower[0] == "p" and at.last("n") else ():
        if lower.startswith(percent):
            at.made[-1] = at.made[-1]._replace(percent=True, end=start + len(percent))
            rest = text[len(percent) :].lstrip()
            if rest:
                _read_words(at, rest, start + len(text) - len(rest))
            return
    head, _, tail = text.rpartition(" ")
    spoken = None
    if head and len(head) <= _WORDS_CHARS_MAX:
        spoken = ("o", "*") if tail == "x" else _SPOKEN.get(tail.lower())
    _attach(at, head if spoken else text, start)
    if spoken is not None:
        at.add(*spoken, start + len(text) - len(tail), len(tail))


def _attach(at: _Reading, text: str, start: int) -> None:
    """Words belong to the number or bracket before them; else they stand alone."""
    made = at.made
    slash = at.last("o")
    if slash is not None and slash.text == "/" and len(made) > 1 and made[-2].kind == "n" and len(text) > 1:
        made.pop()  # 20 miles/hour, $2/pen: a rate's denominator
    before = at.last("n)")
    if before is None:
        at.add("w", "", start, len(text))
        return
    letter = text if len(text) == 1 else ""
    unit = before.unit or unit_of(text) if before.kind == "n" and not before.worded else before.unit
    made[-1] = before._replace(end=start + len(text), worded=True, unit=unit, letter=before.letter or letter)
    if len(text) > _WORDS_CHARS_MAX:
        at.add("!", "", start + len(text), 0)


def _read_equals(at: _Reading, text: str, start: int) -> None:
    at.add("=" if text == "=" else "~", "", start, len(text))


def _read_percent(at: _Reading, text: str, start: int) -> None:
    if at.last("n"):
        at.made[-1] = at.made[-1]._replace(percent=True, end=start + len(text))


def _read_money(at: _Reading, text: str, start: int) -> None:
    at.money = start + len(text)
    before = at.last("no")
    if before is not None and before.kind == "o" and before.end == start:
        at.made[-1] = before._replace(end=at.money)  # -$5: the sign of currency parts nothing
    elif before is not None and before.unit is None and text in UNITS and before.kind == "n" and text != "$":
        at.made[-1] = before._replace(unit=UNITS[text], end=at.money)


def _read_bracket(at: _Reading, text: str, start: int) -> None:
    half, at.half = at.half, ""
    if text in "({[":
        if half == "2":
            at.add("o", "/", start, 0)
        at.brackets.append(half)
        at.add("(", "", start, 1)
        return
    at.add(")", "", start, 1)
    half = at.brackets.pop() if at.brackets else ""
    if half == "1" and at.text[start + 1 : start + 2] == "{":
        at.half = "2"
    elif half:
        at.add(")", "", start + 1, 0)  # of the whole fraction


def _read_fraction(at: _Reading, text: str, start: int) -> None:
    at.add("(", "", start, len(text))
    at.half = "1"


def _read_superscript(at: _Reading, text: str, start: int) -> None:
    at.add("o", "^", start, 1)
    power = 2.0 if text == "²" else 3.0
    at.made.append(Symbol("n", "", start, start + 1, power, 1.0, power))


def _read_other(at: _Reading, text: str, start: int) -> None:
    divides = text == ":" and at.text[start - 1 : start] == " " and at.text[start + 1 : start + 2] == " "
    at.add("o" if divides else "!", "/" if divides else "", start, 1)


_READERS: dict[str, Callable[[_Reading, str, int], None]] = {
    "n": _read_number,
    "o": _read_operator,
    "w": _read_words,
    "e": _read_equals,
    "p": _read_percent,
    "m": _read_money,
    "b": _read_bracket,
    "f": _read_fraction,
    "s": lambda _at, _text, _start: None,
    "z": _read_superscript,
    "u": lambda at, text, start: at.add("?", "", start, len(text)),
    "q": _read_other,
}
