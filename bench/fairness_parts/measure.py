"""What is measured: a flood beside a light department, a long prompt beside a running stream, a prefix found again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fairness_parts.engine import Answered, Engine, ask, engine
from ringfenced.engines.client import EngineClient
from ringfenced.model import Message, Prompt, Role, Sampling, Text, TextDelta

WORDS = ("ward", "dose", "note", "bed", "night", "chart", "pulse", "visit", "nurse", "round")


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two figures side by side, and what their quotient should be at most."""

    name: str
    """What is compared."""
    base: str
    """What the quotient is taken of."""
    base_ms: float
    """In milliseconds."""
    ours: str
    """What is divided by it."""
    ours_ms: float
    """In milliseconds."""
    aim: float
    """Most that the quotient should be."""
    detail: str
    """How many, of what."""

    @property
    def ratio(self) -> float:
        """The quotient."""
        return self.ours_ms / self.base_ms

    @property
    def is_met(self) -> bool:
        """Whether it is as it should be."""
        return self.ratio <= self.aim


@dataclass(frozen=True, slots=True)
class Length:
    """How much is measured."""

    rounds: int
    """Rounds, each of both sides."""
    asked: int
    """Requests of the light department in a round and side."""
    answer_tokens: int
    """Tokens of each answer in the flood."""
    shared_tokens: int
    """Tokens of the prefix, at least."""
    long_tokens: int
    """Tokens of the long prompt, about."""


async def texts(client: EngineClient) -> Callable[[int, int], str]:
    """Return what makes a text of about so many of the model's tokens; another seed begins otherwise."""

    def words(count: int, seed: int) -> str:
        chance = random.Random(seed)
        return " ".join(chance.choice(WORDS) for _ in range(count))

    tokens = [await client.count(Prompt((Message(Role.USER, (Text(words(count, 0)),)),))) for count in (100, 300)]
    each = (tokens[1] - tokens[0]) / 200
    return lambda tokens, seed: words(round(tokens / each), seed)


def p95(values: list[float]) -> float:
    """Return the value that 95 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


async def flood(folder: Path, model: Path, length: Length) -> list[Ratio]:
    """Ten callers of one department ask without a pause; one of another asks one question after the other."""
    alone: list[Answered] = []
    among: list[Answered] = []
    async with engine(folder, model, "--sequences", "8", "--context", "512") as one:
        text = await texts(one.client)
        for number in range(length.rounds):
            alone += await _light(one, text, length, number)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for caller in range(10):
                    group.create_task(_heavy(one, text, length, caller, stop))
                await asyncio.sleep(1.0)
                among += await _light(one, text, length, number + 1000)
                stop.set()
    detail = f"{len(alone)} requests each, {length.answer_tokens} tokens an answer, 10 callers flood 8 places"
    rows = []
    for name, pick in (
        ("whole answer", lambda one: one.whole_ms),
        ("whole answer, engine's CPU time", lambda one: one.whole_cpu_ms),
        ("first token", lambda one: one.first_ms),
        ("first token, engine's CPU time", lambda one: one.first_cpu_ms),
    ):
        base_ms, ours_ms = p95([pick(one) for one in alone]), p95([pick(one) for one in among])
        rows.append(Ratio(f"flood, {name}", "p95 alone", base_ms, "p95 in the flood", ours_ms, 2.0, detail))
    return rows


async def _light(one: Engine, text: Callable[[int, int], str], length: Length, number: int) -> list[Answered]:
    return [
        await ask(one, text(48, number * 100 + place), length.answer_tokens, share=b"light")
        for place in range(length.asked)
    ]


async def _heavy(
    one: Engine, text: Callable[[int, int], str], length: Length, caller: int, stop: asyncio.Event
) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        await ask(one, text(48, 10_000 + caller * 1000 + number), length.answer_tokens, share=b"flood")


async def stalls(folder: Path, model: Path, length: Length) -> list[Ratio]:
    """The longest gap of a running stream while a long prompt is read, without a budget and with ours.

    Without one means 1,024 tokens a step, which issue 5 names; llama.cpp's own batch of 512 is shown besides.
    """
    sides: dict[str, tuple[float, float, float]] = {}
    for side, step_tokens in (("1,024 a step", 1024), ("512 a step", 512), ("ours", 0)):
        arguments = ("--step-tokens", str(step_tokens), "--step-ms", "1000000") if step_tokens else ()
        context = str(length.long_tokens + 1024)
        async with engine(folder, model, "--sequences", "2", "--cells", str(2 * int(context)), "--context", context,
                          *arguments) as one:  # fmt: skip
            text = await texts(one.client)
            await ask(one, text(100, 7), 8)  # measured once, as any engine that has worked
            sides[side] = await _gap(one, text, length)
    ours_ms, ours_cpu_ms, ours_first_ms = sides.pop("ours")
    detail = f"a prompt of about {length.long_tokens} tokens"
    rows = []
    for base, (base_ms, base_cpu_ms, base_first_ms) in sides.items():
        aim = 0.2 if base == "1,024 a step" else float("inf")
        name = "" if base == "1,024 a step" else " (no aim)"
        rows += [
            Ratio(f"longest gap{name}", base, base_ms, "ours", ours_ms, aim, detail),
            Ratio(f"longest gap, engine's CPU time{name}", base, base_cpu_ms, "ours", ours_cpu_ms, aim, detail),
            Ratio("the long prompt's first token, engine's CPU time (no aim)", base, base_first_ms, "ours",
                  ours_first_ms, float("inf"), detail),
        ]  # fmt: skip
    return rows


async def _gap(one: Engine, text: Callable[[int, int], str], length: Length) -> tuple[float, float, float]:
    """Return the longest gap of a stream while a long prompt is read, twice, and how long reading took."""
    sampling = Sampling(tokens_max=900, temperature=0.0)
    prompt = Prompt((Message(Role.USER, (Text(text(20, 1)),)),), sampling=sampling)
    gaps_s: list[float] = []
    gaps_cpu_ms: list[float] = []
    with one.client.start(prompt, confidential=True) as run:
        for _ in range(5):
            await run.take()
        async with asyncio.TaskGroup() as group:
            long = group.create_task(ask(one, text(length.long_tokens, 2), 1))
            last_s, last_cpu_ms = time.monotonic(), one.cpu_ms()
            while not long.done() and isinstance(await run.take(), TextDelta):
                now_s, now_cpu_ms = time.monotonic(), one.cpu_ms()
                gaps_s.append(now_s - last_s)
                gaps_cpu_ms.append(now_cpu_ms - last_cpu_ms)
                last_s, last_cpu_ms = now_s, now_cpu_ms
            answered = await long
    return max(gaps_s) * 1000, max(gaps_cpu_ms), answered.first_cpu_ms


async def prefix(folder: Path, model: Path, length: Length) -> list[Ratio]:
    """The first token of a prompt that begins like one before, beside one that does not."""
    cold: list[float] = []
    warm: list[float] = []
    shared = length.shared_tokens
    async with engine(folder, model, "--sequences", "2", "--context", str(shared + 512)) as one:
        text = await texts(one.client)
        for number in range(length.rounds):
            stem = text(shared, 500 + number)
            first = await ask(one, f"{stem} one", 1, confidential=False)
            second = await ask(one, f"{stem} two", 1, confidential=False)
            assert first.cached_tokens == 0
            assert second.cached_tokens >= min(512, shared)
            cold.append(first.first_ms)
            warm.append(second.first_ms)
    middle = len(cold) // 2
    detail = f"{second.cached_tokens} of {second.prompt_tokens} tokens shared, {len(cold)} times, median"
    return [Ratio("prefix, first token", "cold", sorted(cold)[middle], "found", sorted(warm)[middle], 0.1, detail)]
