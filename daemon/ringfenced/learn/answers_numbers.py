"""The arithmetic of an answer: whether its calculations hold, and where its numbers come from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ringfenced.evaluate.arithmetic import Calculation
from ringfenced.learn.answers_ending import COUNTED, Known, magnitude
from ringfenced.learn.answers_words import words_of

__all__ = ["NAMES", "has_numbers", "known_of", "measured"]

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_DIGITS_MAX = 15
_NUMBERS_MAX = 500
_SPOKEN = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
    "half": 0.5, "twice": 2, "double": 2, "triple": 3, "dozen": 12, "third": 3, "quarter": 4, "thrice": 3,
}  # fmt: skip
_USUAL = frozenset((0.0, 1.0, 2.0, 7.0, 10.0, 12.0, 24.0, 30.0, 52.0, 60.0, 100.0, 365.0, 1000.0, 0.5))
"""Numbers that a calculation may bring along: days, months, minutes, percent."""
_PAID = re.compile(r"[Hh]ow much\b|[$€£]|[Ww]ie viel\b")
_OPERATIONS = (("+",), (" - ", " − ", " – "), ("*", "×", " x ", "\\times"), ("/", "÷", "\\frac"))  # noqa: RUF001
_WANTED = tuple(
    frozenset(words.split())
    for words in (
        "left remain remaining remains fewer less spent spends gave lost loses difference change",
        "twice times each per every double triple dozen",
        "half third quarter split equally average divide divided shares ratio",
        "percent percentage discount interest",
    )
)
"""Words of a question that hardly any right answer leaves without a difference, a product, a quotient, a percentage."""
_LARGE = 1_000.0
_MANY = 3

NAMES: tuple[str, ...] = (
    "question_numbers", "question_spoken_numbers", "question_magnitude", "asks_count", "asks_amount",
    "question_percent", "numbers", "numbers_per_word", "numbers_distinct", "equals", "calculations", "wrong",
    "share_right", "any_wrong", "rounded", "operands", "operands_invented", "share_invented",
    "question_numbers_unused", "share_unused",
    "numbers_unexplained", "steps_over_numbers", "long_calculations", "results_fractional", "results_large",
    "magnitude_max", "sums", "differences", "products", "quotients", "percents", "letters",
    "results_unused", "minus_missing", "times_missing", "divide_missing", "percent_missing",
)  # fmt: skip
"""What each number is, in their order; counts and magnitudes are logarithms."""


def has_numbers(question: str) -> bool:
    """Whether a question gives numbers or asks for one."""
    return bool(_NUMBER.search(question) or COUNTED.search(question) or _PAID.search(question))


def known_of(question: str) -> Known:
    """The numbers that a question gives."""
    words = words_of(question)
    spoken = tuple(float(_SPOKEN[word]) for word in words if word in _SPOKEN)
    return Known(tuple(_numbers(question)), spoken[:_NUMBERS_MAX], frozenset(words))


def measured(question: str, answer: str, known: Known, done: Sequence[Calculation]) -> list[float]:
    """The features named in `NAMES`.

    Args:
        question: the question itself.
        answer: the whole answer.
        known: the numbers of the question, of `known_of`.
        done: the answer's calculations, of `evaluate.arithmetic`.
    """
    stated = _numbers(answer)
    return [
        math.log1p(len(known.given)),
        math.log1p(len(known.spoken)),
        magnitude(max(known.given, default=0.0)),
        float(COUNTED.search(question) is not None),
        float(_PAID.search(question) is not None),
        float("%" in question or "percent" in question),
        math.log1p(len(stated)),
        len(stated) / (1 + answer.count(" ")),
        math.log1p(len(set(stated))),
        math.log1p(answer.count("=")),
        *_judged(done),
        *_traced(known, stated, done),
        *_shaped(known, answer, done),
    ]


def _numbers(text: str) -> list[float]:
    """The numbers of a text as they stand, thousands grouped the English way; too long ones are left out."""
    written = _NUMBER.findall(text)[:_NUMBERS_MAX]
    return [float(one.replace(",", "")) for one in written if len(one) <= _DIGITS_MAX]


def _judged(done: Sequence[Calculation]) -> list[float]:
    wrong = sum(not one.right for one in done)
    return [
        math.log1p(len(done)),
        math.log1p(wrong),
        1 - wrong / len(done) if done else 1.0,
        float(wrong > 0),
        math.log1p(sum(one.rounded and one.right for one in done)),
    ]


def _traced(known: Known, stated: Sequence[float], done: Sequence[Calculation]) -> list[float]:
    """Where the numbers come from: each operand from the question, a step before, or from nowhere."""
    given = known.given
    numbers = {*given, *known.spoken}
    reached = numbers | _USUAL
    operands = invented = 0
    for one in done:
        for operand in one.operands:
            operands += 1
            invented += abs(operand) not in reached and operand * 100 not in reached and operand / 100 not in reached
        reached.add(abs(one.stated))
    said = set(stated)
    unused = sum(number not in said for number in given)
    unexplained = sum(number not in reached for number in said)
    return [
        math.log1p(operands),
        math.log1p(invented),
        invented / max(1, operands),
        math.log1p(unused),
        unused / max(1, len(given)),
        math.log1p(unexplained),
        (len(done) - len(numbers)) / (1 + len(numbers)),
    ]


def _shaped(known: Known, answer: str, done: Sequence[Calculation]) -> list[float]:
    results = [abs(one.stated) for one in done]
    signs = [sum(map(answer.count, written)) for written in _OPERATIONS]
    percents = answer.count("%") + answer.count("0.")
    return [
        math.log1p(sum(len(one.operands) > _MANY for one in done)),
        math.log1p(sum(result != round(result) for result in results)),
        math.log1p(sum(result >= _LARGE for result in results)),
        magnitude(max(results, default=0.0)),
        *map(math.log1p, signs),
        math.log1p(answer.count("%")),
        math.log1p(sum(map(answer.count, (" x ", " x.", "x =", " y ", "Let ")))),
        _unused_results(done),
        *(
            float(not used and not wanted.isdisjoint(known.words))
            for wanted, used in zip(_WANTED, (*signs[1:], percents), strict=True)
        ),
    ]


def _unused_results(done: Sequence[Calculation]) -> float:
    """The share of results, but for the last, that no later step takes up."""
    later: set[float] = set()
    unused = 0
    for place, one in enumerate(reversed(done)):
        unused += place > 0 and abs(one.stated) not in later
        later.update(map(abs, one.operands))
    return unused / max(1, len(done) - 1)
