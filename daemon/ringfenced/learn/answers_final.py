"""Where a question really begins and what an answer comes to: the last value that it states."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["HOW", "Final", "final_of", "last_number", "question_of"]

NUMBER = r"(?:(?<!\w)[-−](?=[$€£\d]))?[$€£]?\s?\d[\d,]*(?:\.\d+)?"  # noqa: RUF001  the minus sign that people type
_TAIL_CHARS = 600
"""How much of an answer's end is searched for what it states."""
_DIGITS_MAX = 15
_QUESTION_CHARS_MIN = 20
_MARKERS = re.compile(r"(?:^|\n)[ \t]{0,8}(?:Question|Q|Problem|Exercise|Frage|Aufgabe)\s?\d{0,4}\s?[:.)]")
_ANSWERED = re.compile(r"\n[ \t]{0,8}(?:Answer|A|Solution|Antwort)\s?:[^\n]{0,400}\n")
_STATED = (
    ("hash", "####", re.compile(rf"####\s?({NUMBER})(.{{0,16}})")),
    ("boxed", "boxed", re.compile(rf"\\boxed\s?\{{+[^\d}}]{{0,24}}?({NUMBER})([^}}]{{0,16}})")),
    (
        "said",
        "",
        re.compile(
            r"(?:[Aa]nswer|ANSWER|[Aa]ntwort|[Rr]éponse|[Rr]esult|[Tt]otal|[Ee]rgebnis)[^\n.\d]{0,60}?(?:is|are|ist|est|:|=|of)"
            rf"[^\n.\d]{{0,40}}?({NUMBER})(.{{0,16}})",
        ),
    ),
    ("bold", "**", re.compile(rf"\*\*[^\d*\n]{{0,40}}?({NUMBER})([^\n]{{0,16}})")),
    (
        "so",
        "",
        re.compile(rf"(?:[Tt]herefore|[Ss]o,?|[Tt]hus|[Hh]ence|[Ii]n total)\b[^\n\d]{{0,80}}?({NUMBER})(.{{0,16}})"),
    ),
    ("last", "", re.compile(rf"({NUMBER})([^\n\d]{{0,16}})")),
)
"""Ways to state a value, the strongest first: its name, a mark that it cannot be without, and its pattern."""
_DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?")
_EQUALS = re.compile(rf"[=≈][^\n\d=]{{0,12}}?({NUMBER})([^\n]{{0,16}})")
HOW = ("hash", "boxed", "said", "bold", "so", "last", "none")
"""How the final value is stated: after ####, in a box, as the answer, in bold, after therefore, merely last, or not."""


class Final(NamedTuple):
    """What an answer comes to."""

    value: float | None
    """The number; None where none stands near the answer's end."""
    how: str
    """How it is stated, one of `HOW`."""
    written: str
    """Its digits and marks as they stand there."""
    after: str
    """The few characters after it."""
    chars_after: int
    """How many characters follow it."""


def question_of(prompt: str) -> str:
    """The question itself: what comes after the examples of a prompt that holds several questions with answers."""
    markers = [match.end() for match in _MARKERS.finditer(prompt)]
    if len(markers) > 1:
        return prompt[markers[-1] :].strip()
    answered = [match.end() for match in _ANSWERED.finditer(prompt)]
    last = next((end for end in reversed(answered) if len(prompt) - end > _QUESTION_CHARS_MIN), None)
    if last is None:
        return prompt
    rest = prompt[last:].strip()
    # RouterBench's few-shot prompts put the letter of an example's answer on a line of its own.
    return rest.partition("\n\n")[2] or rest


def final_of(answer: str) -> Final:
    """The last number that an answer states, by the strongest way of stating it that it uses."""
    tail = answer[-_TAIL_CHARS:]
    if not any(map(tail.__contains__, "0123456789")):
        return Final(None, "none", "", "", len(answer))
    for how, mark, pattern in _STATED:
        if mark not in tail:
            continue
        found = list(pattern.finditer(tail))
        if found:
            line_end = tail.find("\n", found[-1].end(1))
            worked = list(_EQUALS.finditer(tail, found[-1].end(1), line_end if line_end >= 0 else len(tail)))
            return _final(how, (worked or found)[-1], len(tail))  # so she has 5 - 3 = 2: it comes to the 2
    return Final(None, "none", "", "", len(answer))


def last_number(text: str) -> float | None:
    """The last number of a text; None where there is none, or one of too many digits."""
    found = _DIGITS.findall(text)
    return float(found[-1].replace(",", "")) if found and len(found[-1]) <= _DIGITS_MAX else None


def _final(how: str, match: re.Match[str], chars: int) -> Final:
    written = match[1]
    plain = "".join(mark for mark in written if mark.isdigit() or mark == ".").rstrip(".")
    value = float(plain) if plain and len(plain) <= _DIGITS_MAX and plain.count(".") <= 1 else None
    if value is not None and written.lstrip()[:1] in {"-", "−"}:  # noqa: RUF001
        value = -value
    return Final(value, how, written, match[2], chars - match.end(1))
