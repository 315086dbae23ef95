"""What an answer comes to, beside its question and its own steps: whether it follows, and whether it can be."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from ringfenced.evaluate.arithmetic import Calculation
from ringfenced.learn.answers_final import HOW, Final, last_number

__all__ = ["COUNTED", "NAMES", "Known", "magnitude", "measured"]

COUNTED = re.compile(r"[Hh]ow many\b|[Ww]ie viele\b|[Cc]ombien de\b|[Nn]umber of\b")
"""Words that ask for a whole number."""
_ASKED_FOR = re.compile(r"[Hh]ow (?:many|much)(?: more| less| fewer| total)? (\w{3,30})")
_RUNS_ON = re.compile(r"\n\s{0,8}(?:Question|Q|Problem|User|Human)\s?\d{0,3}\s?:")
_END_CHARS = 200
_SMALL = 2.0
"""Hardly ever what a problem of several steps comes to."""
_RELATIVE = 1e-6

NAMES: tuple[str, ...] = (
    *(f"final_{how}" for how in HOW),
    "final_is_last_result", "final_is_a_result", "final_is_given", "final_magnitude", "final_negative",
    "final_fractional", "final_fraction_of_count", "final_over_question", "final_grouped", "final_money",
    "final_percent", "final_rivals", "final_repeated", "final_decimals", "final_roundness", "final_small",
    "final_chars_after", "asked_noun_back", "runs_on",
)  # fmt: skip
"""What each number is, in their order; counts and magnitudes are logarithms."""
_OF_A_VALUE = 16


class Known(NamedTuple):
    """The numbers that an answer can build on."""

    given: tuple[float, ...]
    """Those that its question gives in digits."""
    spoken: tuple[float, ...]
    """Those that it gives in words."""
    words: frozenset[str]
    """All its words, in lower case."""


def measured(question: str, answer: str, final: Final, known: Known, done: Sequence[Calculation]) -> list[float]:
    """The features named in `NAMES`.

    Args:
        question: the question itself.
        answer: the whole answer.
        final: what it comes to.
        known: the numbers of the question.
        done: the answer's calculations.
    """
    asked = _ASKED_FOR.search(question)
    return [
        *(float(final.how == how) for how in HOW),
        *([0.0] * _OF_A_VALUE if final.value is None else _of_value(question, answer, final, known, done)),
        math.log1p(final.chars_after),
        float(asked is not None and asked[1].lower() in answer[-_END_CHARS:].lower()),
        float(_RUNS_ON.search(answer) is not None),
    ]


def _of_value(question: str, answer: str, final: Final, known: Known, done: Sequence[Calculation]) -> list[float]:
    value = final.value or 0.0
    written = final.written
    results = [one.stated for one in done]
    fractional = value != round(value)
    rivals = {value, last_number(answer[-_END_CHARS:]), results[-1] if results else value}
    return [
        float(bool(results) and _same(results[-1], value)),
        float(any(_same(result, value) for result in results)),
        float(abs(value) in known.given or abs(value) in known.spoken),
        magnitude(value),
        float(value < 0),
        float(fractional),
        float(fractional and COUNTED.search(question) is not None),
        magnitude(value) - magnitude(max(known.given, default=0.0)),
        float("," in written),
        float("$" in written or "€" in written),
        float(final.after[:2].lstrip("\\").startswith("%")),
        math.log1p(len(rivals) - 1),
        math.log1p(answer.count(written.strip())),
        math.log1p(len(written.partition(".")[2])),
        float(value != 0 and value % 10 == 0) + float(value != 0 and value % 100 == 0),
        float(abs(value) <= _SMALL),
    ]


def magnitude(value: float) -> float:
    """How large a number is: the digits before its point, more or less."""
    return math.log10(1 + abs(value))


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= _RELATIVE * max(1.0, abs(one), abs(other))
