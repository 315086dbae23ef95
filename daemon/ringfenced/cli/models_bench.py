"""`ringfence models bench`: what callers get of a model, through the daemon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Annotated, Any, Final

import typer

from ringfence.client import Client
from ringfence.v1 import types_pb2 as types
from ringfenced.cli import settings
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.models_figures import Round, Timed, round_of
from ringfenced.cli.output import Output, json_option

CALLERS_MAX: Final = 256
_WORDS_FIRST: Final = 64
"""In the request that goes first and is not counted: it shows how many tokens a word takes."""
_WORDS: Final = (
    "river", "stone", "letter", "garden", "window", "train", "bread", "music", "paper", "cloud", "bridge", "market",
    "forest", "candle", "mirror", "island", "engine", "silver", "winter", "meadow", "copper", "harbour", "lantern",
)  # fmt: skip
"""Words that no recogniser takes for anything; what the prompts are made of."""


def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As in the daemon's configuration.")],
    *,
    callers: Annotated[str, typer.Option(help="How many at once, one level after the other.")] = "1,4,8",
    tokens: Annotated[int, typer.Option(min=1, max=65536, help="Longest answer.")] = 128,
    prompt_tokens: Annotated[int, typer.Option(min=1, max=1_000_000, help="About so long a prompt.")] = 128,
    requests: Annotated[int, typer.Option(min=1, max=1000, help="By each caller, one after the other.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the prompts.")] = 1,
    as_json: json_option = False,
) -> None:
    """Measure tokens a second and the time to the first token, as a caller, the daemon's whole way included.

    Every prompt is another one, of harmless words, so that no cache helps; one request that is not counted goes first.
    It costs what requests cost: credits, and the model's time. Tokens are the engine's own count.

    Example: `ringfence --certs run/certs --as caller-ward models bench tiny --callers 1,8 --tokens 64`
    """
    output, levels = Output.of(as_json=as_json), read_levels(callers)
    draw = random.Random(seed)  # noqa: S311 - prompts, no secrets
    rounds: list[Round] = []
    with settings.load(context.obj).client() as client:
        first = _one(client, name, _prompt(draw, _WORDS_FIRST), tokens)
        words = words_for(prompt_tokens, _WORDS_FIRST, first.prompt_tokens)
        for level in levels:
            prompts = [[_prompt(draw, words) for _ in range(requests)] for _ in range(level)]
            timed, seconds = _at_once(lambda prompt: _one(client, name, prompt, tokens), prompts)
            rounds.append(round_of(level, timed, seconds))
            if as_json:
                output.json(_object(name, rounds[-1]))
            else:
                output.remark(f"{level} callers: {rounds[-1].tokens_per_s:,.1f} tokens/s")
    if not as_json:
        _table(output, name, rounds)


def read_levels(text: str) -> tuple[int, ...]:
    """How many callers at once, in order, of ``1,4,8``.

    Raises:
        Failure: that are no such numbers.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) <= CALLERS_MAX for part in parts):
        raise Failure(f"--callers takes numbers from 1 to {CALLERS_MAX}, for example 1,4,8", code=ExitCode.USAGE)
    return tuple(int(part) for part in parts)


def _at_once(ask: Callable[[str], Timed], prompts: list[list[str]]) -> tuple[list[Timed], float]:
    """Every list of prompts by a caller of its own, all beginning together: each answer, and seconds in all."""
    start = Barrier(len(prompts) + 1)

    def caller(mine: list[str]) -> list[Timed]:
        start.wait()
        return [ask(prompt) for prompt in mine]

    with ThreadPoolExecutor(len(prompts)) as pool:
        running = [pool.submit(caller, mine) for mine in prompts]
        start.wait()
        began_s = time.perf_counter()
        timed = [one for each in running for one in each.result()]
        return timed, time.perf_counter() - began_s


def _one(client: Client, name: str, prompt: str, tokens: int) -> Timed:
    """One request, timed by its caller."""
    began_s = time.perf_counter()
    first_s: float | None = None
    usage = types.Usage()
    sampling = types.Sampling(temperature=0, tokens_max=tokens)
    permission = types.Permission(local_only=True, ladder_length_max=1)
    for event in client.generate(prompt, model=name, sampling=sampling, permission=permission):
        if event.HasField("text") and first_s is None:
            first_s = time.perf_counter() - began_s
        elif event.HasField("finish"):
            usage = event.finish.usage
    return Timed(time.perf_counter() - began_s, first_s, usage.prompt_tokens, usage.completion_tokens)


def words_for(tokens: int, words_seen: int, tokens_seen: int) -> int:
    """How many words take about so many tokens, by what some words took; a word a token where that is not known."""
    return max(1, round(tokens * words_seen / tokens_seen)) if tokens_seen else tokens


def _prompt(draw: random.Random, words: int) -> str:
    """So many words, beginning like no other prompt."""
    return " ".join(draw.choice(_WORDS) for _ in range(words))


def _object(name: str, each: Round) -> dict[str, Any]:
    return {
        "model": name,
        "callers": each.callers,
        "requests": each.requests,
        "seconds": round(each.seconds, 3),
        "tokensPerSecond": round(each.tokens_per_s, 2),
        "promptTokens": each.prompt_tokens,
        "completionTokens": each.completion_tokens,
        "firstTokenMsP50": _ms(each.first_p50_s),
        "firstTokenMsP99": _ms(each.first_p99_s),
        "requestMsP50": _ms(each.request_p50_s),
        "requestMsP99": _ms(each.request_p99_s),
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _table(output: Output, name: str, rounds: list[Round]) -> None:
    columns = (
        "callers",
        "requests",
        "tokens/s",
        "tokens/s each",
        "first p50 ms",
        "p99",
        "request p50 ms",
        "p99 ",
        "in",
        "out",
    )
    rows = [
        (
            str(each.callers),
            str(each.requests),
            f"{each.tokens_per_s:,.1f}",
            f"{each.tokens_per_s / each.callers:,.1f}",
            *("-" if value is None else f"{value * 1000:,.1f}" for value in (each.first_p50_s, each.first_p99_s)),
            f"{each.request_p50_s * 1000:,.1f}",
            f"{each.request_p99_s * 1000:,.1f}",
            f"{each.prompt_tokens:,}",
            f"{each.completion_tokens:,}",
        )
        for each in rounds
    ]
    output.table(f"{name}, through the daemon", columns, rows, right=frozenset(columns))
