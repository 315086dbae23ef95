"""What every side is asked, and what comes of one measurement."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

import psutil

WORDS = (
    *("patient", "ward", "bed", "fever", "cough", "heart", "rate", "pressure", "night", "morning", "doctor", "nurse"),
    *("note", "letter", "referral", "admitted", "stable", "reviewed", "plan", "continue", "oral", "fluids", "chest"),
    *("clear", "monitor", "discharge", "follow", "clinic", "weeks", "dose", "daily", "twice", "allergy", "none"),
)
"""What prompts are made of; every bundled vocabulary knows them."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request."""

    text: str
    """The user's message; no two begin alike, so that no side can reuse what it has read."""
    tokens_max: int
    """Most tokens of the answer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something of an answer came."""

    tokens: int
    """Tokens in it, as far as the side tells."""


@dataclass(frozen=True, slots=True)
class End:
    """The answer is complete."""

    tokens: int
    """Tokens of the whole answer."""


class Side(Protocol):
    """One way to serve a model."""

    name: str
    """As it stands in the table."""

    def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask, and yield what comes, the end last."""

    def processes(self) -> list[psutil.Process]:
        """What serves: their processor time counts."""


@dataclass(slots=True)
class Outcome:
    """What came of one level on one side."""

    tokens: int = 0
    """Generated."""
    seconds: float = 0.0
    """From the first question to the last answer's end."""
    cpu_s: float = 0.0
    """Processor time of what serves."""
    first_ms: list[float] = field(default_factory=list)
    """To each answer's first piece."""


def questions(number: int, words: int, tokens_max: int, seed: int) -> list[Question]:
    """Return so many questions of so many words, the same for the same seed."""
    draw = random.Random(seed)
    return [
        Question(" ".join([f"{seed}-{place}", *draw.choices(WORDS, k=words)]), tokens_max) for place in range(number)
    ]


async def measure(side: Side, callers: int, asked: list[Question]) -> Outcome:
    """Ask all questions, `callers` of them at a time, and count.

    Raises:
        RuntimeError: an answer did not end.
    """
    outcome = Outcome()
    waiting = iter(asked)

    async def caller() -> None:
        for question in waiting:
            began_s, first_s, ended = time.perf_counter(), 0.0, False
            async for event in side.ask(question):
                first_s = first_s or time.perf_counter()
                if isinstance(event, End):
                    outcome.tokens += event.tokens
                    ended = True
            if not ended:
                raise RuntimeError(f"{side.name}: an answer did not end")
            outcome.first_ms.append((first_s - began_s) * 1000)

    before_s, began_s = _cpu_s(side), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    outcome.seconds = time.perf_counter() - began_s
    outcome.cpu_s = _cpu_s(side) - before_s
    return outcome


def _cpu_s(side: Side) -> float:
    times = [process.cpu_times() for process in side.processes()]
    return sum(time.user + time.system for time in times)
