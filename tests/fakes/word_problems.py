"""Word problems with worked answers, right ones and ones with the errors that small models make; all from a seed.

A problem is a story of some steps, each of which changes an amount. An answer works through them in one of a few
styles. Its errors: a slip (a result that its calculation does not give), a wrong operation, a step left out, a number
misread, a result left as a fraction, an answer that is cut off. Harder problems (more steps, larger numbers,
percentages) go wrong more often, for the weak and the strong model alike.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

ERRORS = ("slip", "operation", "dropped", "misread", "fraction", "cut")
"""What can go wrong in a worked answer."""
_WEIGHTS = (3, 5, 4, 3, 1, 1)
_NAMES = ("Maya", "Tom", "Aisha", "Leon", "Priya", "Jonas", "Clara", "Omar")
_THINGS = ("apples", "tickets", "bottles", "pencils", "chairs", "stamps", "boxes", "plants")
_ADDED = ("then gets {n} more {thing} from a friend", "buys {n} {thing} on Monday", "finds another {n} {thing}")
_TAKEN = ("gives away {n} of them", "loses {n} {thing}", "sells {n} {thing} to a neighbor")
_MULTIPLIED = ("sees the number of {thing} grow to {n} times as many", "packs {n} such lots of {thing}")
_DIVIDED = ("shares what there is equally among {n} friends and keeps one share",)
_PERCENT = ("puts {n}% of the {thing} aside and keeps only that part",)


@dataclass(frozen=True)
class Worked:
    """A problem and an answer to it."""

    question: str
    answer: str
    right: bool
    error: str
    """Which of `ERRORS` the answer holds; empty where it is right."""
    strong_right: bool
    """Whether a strong model would be right."""
    strong_answer: str
    steps: int


@dataclass
class _Step:
    sign: str
    number: int
    before: float
    after: float


def worked(draw: random.Random, error: str | None = None, skill: float = 1.0) -> Worked:
    """One problem with an answer; `error` forces one of `ERRORS` or, if empty, a right answer; else chance decides."""
    name, thing = draw.choice(_NAMES), draw.choice(_THINGS)
    count = draw.choice((2, 2, 3, 3, 3, 4, 4, 5, 6, 7))
    start = draw.choice((draw.randint(3, 30), draw.randint(20, 400), draw.randint(500, 9000)))
    steps, story = _story(draw, start, count, thing)
    ask = f"How many {thing} does {name} have now?"
    filler = f" It is {draw.randint(2, 11)} o'clock." if draw.random() < 0.15 else ""
    question = f"{name} has {start} {thing}. {name} " + f". {name} ".join(story) + f".{filler} {ask}"
    hard = 0.10 * count + 0.12 * (start > 400) + 0.15 * any(step.sign == "%" for step in steps) + 0.1 * bool(filler)
    if error is None:
        fails = draw.random() < min(0.95, max(0.03, (hard - 0.15) / skill))
        error = draw.choices(ERRORS, _WEIGHTS)[0] if fails else ""
    strong = draw.random() > max(0.02, (hard - 0.35) * 0.6)
    answer, final = _answer(draw, name, thing, start, steps=steps, error=error)
    truth = steps[-1].after
    right = error == "" or (final is not None and abs(final - truth) < 1e-9 and error != "cut")
    strong_answer = _answer(draw, name, thing, start, steps=steps, error="" if strong else "operation")[0]
    return Worked(question, answer, right, "" if right else error, strong, strong_answer, count)


def _story(draw: random.Random, start: int, count: int, thing: str) -> tuple[list[_Step], list[str]]:
    value, steps, story = float(start), [], []
    while len(steps) < count:
        sign = draw.choice("++--**/%")
        if sign == "+":
            number, after, words = draw.randint(2, 90), 0.0, draw.choice(_ADDED)
            after = value + number
        elif sign == "-":
            if value < 4:
                continue
            number, words = draw.randint(1, min(90, int(value) - 1)), draw.choice(_TAKEN)
            after = value - number
        elif sign == "*":
            number, words = draw.randint(2, 9), draw.choice(_MULTIPLIED)
            after = value * number
        elif sign == "/":
            shares = [number for number in range(2, 10) if value % number == 0 and value > number]
            if not shares:
                continue
            number, words = draw.choice(shares), draw.choice(_DIVIDED)
            after = value / number
        else:
            parts = [number for number in (5, 10, 20, 25, 40, 50, 60, 75) if value * number % 100 == 0]
            if not parts:
                continue
            number, words = draw.choice(parts), draw.choice(_PERCENT)
            after = value * number / 100
        if after > 1e6:
            continue
        steps.append(_Step(sign, number, value, after))
        story.append(words.format(n=number, thing=thing))
        value = after
    return steps, story


def _apply(sign: str, one: float, number: float) -> float:
    return {"+": one + number, "-": one - number, "*": one * number, "/": one / number, "%": one * number / 100}[sign]


def _written(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.2f}"


def _answer(
    draw: random.Random, name: str, thing: str, start: int, *, steps: list[_Step], error: str
) -> tuple[str, float | None]:
    at = draw.randrange(len(steps))
    value = float(start)
    lines = []
    style = draw.choice(("listed", "prose", "plain"))
    for place, step in enumerate(steps):
        sign, number = step.sign, float(step.number)
        if place == at and error == "dropped":
            continue
        if place == at and error == "operation":
            sign = draw.choice([other for other in "+-*" if other != sign])
        if place == at and error == "misread":
            number += draw.choice((-1, 1, 10, 7))
            number = max(number, 1)
        result = _apply(sign, value, number)
        if place == at and error == "slip":
            result += draw.choice((-10, -2, -1, 1, 2, 10, 100))
        if place == at and error == "fraction":
            result += 0.5
        mark = {"*": draw.choice(("*", "x", "\u00d7")), "%": "% of", "/": "/"}.get(sign, sign)
        shown = (
            f"{_written(number)}% of {_written(value)} = {_written(result)}"
            if sign == "%"
            else f"{_written(value)} {mark} {_written(number)} = {_written(result)}"
        )
        lines.append(_line(draw, style, place, name=name, thing=thing, shown=shown))
        value = result
    closing = draw.choice(
        (f"#### {value:.0f}", f"The answer is {_written(value)}.", f"So {name} has {_written(value)} {thing}.")
    )
    if error == "fraction":
        closing = f"The answer is {value:.2f}."
    text = "\n".join([*lines, closing])
    if error == "cut":
        text = text[: max(20, len(text) * 2 // 3)]
        return text, None
    if error == "" and draw.random() < 0.03:
        text = "I assume that nothing else changes.\n" + text
    return text, value


def _line(draw: random.Random, style: str, place: int, *, name: str, thing: str, shown: str) -> str:
    if style == "listed":
        return f"{place + 1}. {name} now has {shown} {thing}."
    if style == "prose":
        return draw.choice((f"After that, {name} has {shown} {thing}.", f"Then there are {shown} {thing}."))
    return shown
