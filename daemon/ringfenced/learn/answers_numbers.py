"""The arithmetic of an answer: whether its calculations hold, where its numbers come from, and what it ends in."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ringfenced.evaluate.arithmetic import Calculation, calculations
from ringfenced.learn.answers_final import HOW, Final

__all__ = ["NAMES", "has_numbers", "measured"]

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_DIGITS_MAX = 15
_NUMBERS_MAX = 500
_SPOKEN = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
    "half": 0.5, "twice": 2, "double": 2, "triple": 3, "dozen": 12, "third": 3, "quarter": 4, "thrice": 3,
}  # fmt: skip
_SPOKEN_WORDS = re.compile(r"\b(?:" + "|".join(_SPOKEN) + r")\b", re.IGNORECASE)
_USUAL = frozenset((0.0, 1.0, 2.0, 7.0, 10.0, 12.0, 24.0, 30.0, 52.0, 60.0, 100.0, 365.0, 1000.0, 0.5))
"""Numbers that a calculation may bring along: days, months, minutes, percent."""
_COUNTED = re.compile(r"\bhow many\b|\bwie viele\b|\bcombien de\b|\bnumber of\b", re.IGNORECASE)
_PAID = re.compile(r"\bhow much\b|[$€£]|\bwie viel\b", re.IGNORECASE)
_OPERATIONS = (("+",), (" - ", " − ", " – "), ("*", "×", " x ", "\\times"), ("/", "÷", "\\frac"))  # noqa: RUF001
_LARGE = 1_000.0
_MANY = 3

NAMES: tuple[str, ...] = (
    "question_numbers", "question_spoken_numbers", "question_magnitude", "asks_count", "asks_amount", "question_percent",
    "numbers", "numbers_per_word", "numbers_distinct", "equals", "calculations", "wrong", "share_right", "any_wrong",
    "rounded", "operands", "operands_invented", "share_invented", "question_numbers_unused", "share_unused",
    "numbers_unexplained", "steps_over_numbers", "long_calculations", "results_fractional", "results_large",
    "magnitude_max", "sums", "differences", "products", "quotients", "percents", "letters",
    *(f"final_{how}" for how in HOW),
    "final_is_last_result", "final_is_a_result", "final_is_given", "final_magnitude", "final_negative",
    "final_fractional", "final_fraction_of_count", "final_over_question", "final_grouped", "final_money",
    "final_percent", "final_decimals", "final_chars_after", "final_roundness", "final_small",
)  # fmt: skip
"""What each number is, in their order; counts and magnitudes are logarithms."""


def has_numbers(question: str) -> bool:
    """Whether a question gives numbers or asks for one."""
    return bool(_NUMBER.search(question) or _COUNTED.search(question) or _PAID.search(question))


def measured(question: str, answer: str, final: Final) -> list[float]:
    """The features named in `NAMES`.

    Args:
        question: the question itself.
        answer: the whole answer.
        final: what the answer comes to, of `answers_final.final_of`.
    """
    given = _numbers(question)
    spoken = [_SPOKEN[match.lower()] for match in _SPOKEN_WORDS.findall(question)[:_NUMBERS_MAX]]
    stated = _numbers(answer)
    done = calculations(answer)
    known = {*given, *map(float, spoken)}
    return [
        math.log1p(len(given)),
        math.log1p(len(spoken)),
        _magnitude(max(given, default=0.0)),
        float(_COUNTED.search(question) is not None),
        float(_PAID.search(question) is not None),
        float("%" in question or "percent" in question),
        math.log1p(len(stated)),
        len(stated) / (1 + answer.count(" ")),
        math.log1p(len(set(stated))),
        math.log1p(answer.count("=")),
        *_judged(done),
        *_traced(given, known, stated, done),
        *_shaped(answer, done),
        *(float(final.how == how) for how in HOW),
        *_ended(question, known, given, final, done),
    ]


def _numbers(text: str) -> list[float]:
    """The numbers of a text as they stand, thousands grouped the English way; too long ones are left out."""
    made = []
    for written in _NUMBER.findall(text)[:_NUMBERS_MAX]:
        if len(written) <= _DIGITS_MAX:
            made.append(float(written.replace(",", "")))
    return made


def _magnitude(value: float) -> float:
    return math.log10(1 + abs(value))


def _judged(done: Sequence[Calculation]) -> list[float]:
    wrong = sum(not one.right for one in done)
    return [
        math.log1p(len(done)),
        math.log1p(wrong),
        1 - wrong / len(done) if done else 1.0,
        float(wrong > 0),
        math.log1p(sum(one.rounded and one.right for one in done)),
    ]


def _traced(
    given: Sequence[float], known: set[float], stated: Sequence[float], done: Sequence[Calculation]
) -> list[float]:
    """Where the numbers come from: each operand from the question, a step before, or from nowhere."""
    reached = known | _USUAL
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
        (len(done) - len(known)) / (1 + len(known)),
    ]


def _shaped(answer: str, done: Sequence[Calculation]) -> list[float]:
    results = [abs(one.stated) for one in done]
    return [
        math.log1p(sum(len(one.operands) > _MANY for one in done)),
        math.log1p(sum(result != round(result) for result in results)),
        math.log1p(sum(result >= _LARGE for result in results)),
        _magnitude(max(results, default=0.0)),
        *(math.log1p(sum(map(answer.count, signs))) for signs in _OPERATIONS),
        math.log1p(answer.count("%")),
        math.log1p(sum(map(answer.count, (" x ", " x.", "x =", " y ", "Let ")))),
    ]


def _ended(
    question: str, known: set[float], given: Sequence[float], final: Final, done: Sequence[Calculation]
) -> list[float]:
    value = final.value
    if value is None:
        return [0.0] * 12 + [math.log1p(final.chars_after), 0.0, 0.0]
    results = [one.stated for one in done]
    fractional = value != round(value)
    written = final.written
    decimals = len(written.partition(".")[2])
    return [
        float(bool(results) and _same(results[-1], value)),
        float(any(_same(result, value) for result in results)),
        float(abs(value) in known),
        _magnitude(value),
        float(value < 0),
        float(fractional),
        float(fractional and _COUNTED.search(question) is not None),
        _magnitude(value) - _magnitude(max(given, default=0.0)),
        float("," in written),
        float("$" in written or "€" in written),
        float(final.after[:2].lstrip("\\").startswith("%")),
        math.log1p(decimals),
        math.log1p(final.chars_after),
        float(value != 0 and value % 10 == 0) + float(value != 0 and value % 100 == 0),
        float(abs(value) <= 2),  # noqa: PLR2004  hardly ever what a problem of several steps comes to
    ]


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(1.0, abs(one), abs(other))  # noqa: PLR2004
