"""Takes a prompt apart: examples before the question, its stem, and the choices that it offers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from math import log1p, sqrt
from typing import Final

CHOICES_MIN: Final = 2
"""One alone is no choice, and one answered question no example of another."""
CHOICES_MAX: Final = 12
"""Choices read at most."""
_CHOICE = re.compile(r"\n[ \t]*\(?([A-L])[.)][ \t]?")
_ASKED = re.compile(r"\n(?:Answer|A|Output|Solution):")
_NUMERIC = re.compile("[\\s$€£%\\d.,/^*()+=x\u2212-]+\\w{0,3}\\.?")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, for the moment that features are taken; never kept."""

    stem: str
    """The question, without examples before it and choices after it."""
    choices: tuple[str, ...]
    """What can be chosen; none in an open question."""
    examples: int
    """Answered examples before it."""
    starts_with_space: bool
    """Whether it does: a mark of how some templates are filled."""

    def choice_form(self) -> list[float]:
        """Twelve numbers on the choices: how many, how long, of what, and how alike."""
        if not self.choices:
            return [0.0] * 12
        many = len(self.choices)
        lengths = [len(choice) for choice in self.choices]
        mean = sum(lengths) / many
        split = [choice.lower().split() for choice in self.choices]
        words = [set(choice) for choice in split]
        stem = set(self.stem.lower().split())
        return [
            float(many),
            log1p(mean),
            log1p(max(lengths)),
            log1p(min(lengths)),
            log1p(sqrt(sum((length - mean) ** 2 for length in lengths) / many)),
            sum(_NUMERIC.fullmatch(choice) is not None for choice in self.choices) / many,
            sum(_DIGIT.search(choice) is not None for choice in self.choices) / many,
            sum(len(choice) <= 1 for choice in split) / many,
            sum(choice[:1].isupper() for choice in self.choices) / many,
            sum(len(choice & stem) / max(1, len(choice)) for choice in words) / many,
            _alike(words),
            sum(len(word) for choice in split for word in choice) / max(1, sum(map(len, split))),
        ]


def question_of(text: str) -> Question:
    """Take the last question of a prompt apart.

    Args:
        text: the prompt, as far as it is read.
    """
    whole, examples = _after_examples(text)
    body = whole.rstrip()
    for ending in ("Answer:", "A:"):
        body = body.removesuffix(ending).rstrip()
    marks = list(_CHOICE.finditer(body))
    first = max((number for number, mark in enumerate(marks) if mark[1] == "A"), default=len(marks))
    run = marks[first : first + CHOICES_MAX]
    ends = [*(mark.start() for mark in run[1:]), len(body)][: len(run)]
    choices = tuple(body[mark.end() : end].strip() for mark, end in zip(run, ends, strict=True))
    stem = body[: run[0].start()] if len(run) >= CHOICES_MIN else body
    return Question(stem.strip(), choices if len(run) >= CHOICES_MIN else (), examples, whole[:1] == " ")


def _after_examples(text: str) -> tuple[str, int]:
    """The text after the answered examples of a few-shot prompt, and how many there were."""
    asked = [mark.end() for mark in _ASKED.finditer(text)]
    if len(asked) < CHOICES_MIN:
        return text, 0
    gap = text.find("\n\n", asked[-2])
    return (text[gap + 2 :], len(asked) - 1) if 0 <= gap < asked[-1] else (text, 0)


def _alike(words: list[set[str]]) -> float:
    """Mean share of words that two choices have in common."""
    pairs = list(combinations(words, 2))
    shared = [len(one & other) for one, other in pairs]
    return sum(
        both / max(1, len(one) + len(other) - both) for (one, other), both in zip(pairs, shared, strict=True)
    ) / len(pairs)
