"""What was read of a prompt is not read again, and never crosses from one group of callers to another."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import numpy as np
import pytest

from fakes.random_model import SMALL, write_model
from ringfence.v1 import engine_pb2
from ringfenced.engines.llama.answer import Answer
from ringfenced.engines.llama.batcher import Batcher, Limits
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.cache import Keeping
from ringfenced.model import Finish, Message, Prompt, Role, Sampling, Text, TextDelta
from ringfenced.weights.serving import serving

pytestmark = pytest.mark.llama

SYSTEM = "You are the ward's clerk. Write down what is said, in the order in which it was said, and nothing else. " * 2
NO_END = tuple((token, -1e9) for token in range(3))


def prompt(text, *, tokens_max=8):
    return Prompt(
        (Message(Role.SYSTEM, (Text(SYSTEM),)), Message(Role.USER, (Text(text),))),
        sampling=Sampling(tokens_max=tokens_max, logit_bias=NO_END),
    )


async def ask(client, asked, *, salt=b"s", confidential=False):
    with client.start(asked, cache_salt=salt, confidential=confidential) as run:
        texts = []
        while isinstance(event := await run.take(), TextDelta):
            texts.append(event.text)
        assert isinstance(event, Finish)
        return "".join(texts), event.usage


@pytest.fixture
async def client(launch, random_gguf):
    return (await launch("worker", "--threads", "1", "--model", random_gguf)).client


async def test_a_prompt_that_begins_alike_is_read_from_there(client):
    _, cold = await ask(client, prompt("one"))
    _, warm = await ask(client, prompt("two"))
    _, same = await ask(client, prompt("two"))
    assert cold.cached_tokens == 0
    assert len(SYSTEM) < warm.cached_tokens < warm.prompt_tokens
    assert same.cached_tokens == same.prompt_tokens - 1


async def test_a_conversation_goes_on_behind_its_last_answer(client):
    first = prompt("one", tokens_max=30)
    answer, usage = await ask(client, first)
    turns = (*first.messages, Message(Role.ASSISTANT, (Text(answer),)), Message(Role.USER, (Text("and then?"),)))
    _, later = await ask(client, replace(first, messages=turns))
    assert later.cached_tokens >= usage.prompt_tokens


async def test_nothing_is_shared_across_salts(client):
    await ask(client, prompt("one"), salt=b"tenant a")
    for salt in (b"tenant b", b"", b"tenant"):
        _, usage = await ask(client, prompt("one"), salt=salt)
        assert usage.cached_tokens == 0


async def test_nothing_of_a_confidential_answer_is_kept_or_shared(client):
    """While it runs, and afterwards; it may read what others of its salt left."""
    with client.start(prompt("one", tokens_max=100), cache_salt=b"s", confidential=True) as running:
        await running.take()
        _, usage = await ask(client, prompt("one"), confidential=True)
        assert usage.cached_tokens == 0
        while isinstance(await running.take(), TextDelta):
            pass
    async with asyncio.timeout(5):
        while client.load.cells_running:  # noqa: ASYNC110  # nothing wakes us
            await asyncio.sleep(0.02)
    assert client.load.cells_kept == 0
    _, usage = await ask(client, prompt("one"))
    assert usage.cached_tokens == 0
    _, usage = await ask(client, prompt("two"), confidential=True)
    assert usage.cached_tokens > len(SYSTEM)


async def test_what_a_running_answer_has_read_is_shared(client):
    with client.start(prompt("one", tokens_max=200), cache_salt=b"s", confidential=False) as running:
        await running.take()
        _, usage = await ask(client, prompt("two"))
        assert usage.cached_tokens > len(SYSTEM)
        _, usage = await ask(client, prompt("two"), salt=b"other")
        assert usage.cached_tokens == 0


async def test_prompts_that_come_together_are_read_once(client):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(client, prompt(f"number {number}"))) for number in range(6)]
    cached = sorted(task.result()[1].cached_tokens for task in tasks)
    assert cached[0] == 0
    assert cached[1] > len(SYSTEM)


async def test_without_a_prefix_cache_all_is_read(launch, random_gguf):
    client = (await launch("worker", "--threads", "1", "--model", random_gguf, "--no-prefix-cache")).client
    for _ in range(2):
        _, usage = await ask(client, prompt("one"))
        assert usage.cached_tokens == 0


@pytest.mark.parametrize("kind", ["tiny", "random", "llama", "gemma3", "mamba", "jamba"])
async def test_the_answer_is_the_same_with_reuse_and_without(kind, launch, random_gguf, tiny_gguf, tmp_path):
    """Whatever the model's memory: dense, with a sliding window, recurrent, both."""
    path = {"tiny": tiny_gguf, "random": random_gguf}.get(kind) or write_model(tmp_path / "m.gguf", SMALL[kind])
    answers, cached = [], 0
    for option in ((), ("--no-prefix-cache",)):
        client = (await launch("worker", "--threads", "1", "--model", path, "--context", "1024", *option)).client
        texts = []
        for text in ("one", "two", "one", "one and two", "three"):
            first = prompt(text, tokens_max=24)
            answer, usage = await ask(client, first)
            cached += usage.cached_tokens
            turns = (*first.messages, Message(Role.ASSISTANT, (Text(answer),)), Message(Role.USER, (Text("more"),)))
            again, usage = await ask(client, replace(first, messages=turns))
            cached += usage.cached_tokens
            texts += [answer, again]
        answers.append(texts)
    assert answers[0] == answers[1]
    if kind in {"tiny", "random", "llama"}:
        assert cached


# ── the batcher alone, with real memory ──────────────────────────────────────────────────────────────────────────


class Caller:
    """Stands for a connection; remembers how each of its sequences ended."""

    def __init__(self):
        self.ends = {}
        self.texts = {}

    def fail(self, sequence, reason, **_):
        self.ends[sequence] = reason

    def delta(self, sequence, text, _tokens, _logprobs=()):
        self.texts[sequence] = self.texts.get(sequence, "") + text

    def dirty(self):
        return self

    @property
    def finishes(self):
        return self

    def add(self, **fields):
        self.ends[fields["sequence"]] = fields
        return engine_pb2.EngineFinish()


def batcher(path, *, cells, sequences, keeping):
    """Answers of at most 256 tokens; without `cells` each has its own, else they share a pool."""
    settings = serving(
        context_tokens=256,
        sequences=sequences,
        cells=cells,
        step_tokens=16,
        is_kept_in_place=bool(keeping.in_place),
    )
    model = LlamaModel(path, settings)
    limits = Limits(256, settings.cells, sequences, 1000, 16, keeping=keeping)
    context = LlamaContext(model, settings, threads=1)
    return Batcher(model, context, limits, iter(np.arange(1e6)).__next__)


@pytest.mark.parametrize(
    ("is_parked", "cells"), [(True, 512), (False, 512), (True, 0)], ids=["parked", "in place", "apart"]
)
@pytest.mark.parametrize("seed", range(4))
def test_room_never_runs_out_and_none_is_lost(is_parked, cells, seed, random_gguf):
    """A storm over a cache that is too small for all: beginnings shared, answers cancelled while a step is computed."""
    chance = random.Random(seed)
    keeping = Keeping(is_parked=is_parked, sequences_max=3, bytes_max=200_000)
    one = batcher(random_gguf, cells=cells, sequences=5, keeping=keeping)
    caller = Caller()
    stems = [[chance.randrange(3, 259) for _ in range(120)] for _ in range(3)]
    sent = 0
    while sent < 120 or not one.is_idle:
        for _ in range(chance.randrange(4)):
            if sent < 120:
                stem = chance.choice(stems)
                tokens = stem[: chance.randrange(1, 120)] + [chance.randrange(3, 259)] * chance.randrange(1, 30)
                command = engine_pb2.EngineSubmit(
                    sequence=sent, cache_salt=chance.choice((b"a", b"b")), confidential=chance.random() < 0.3
                )
                command.share = command.cache_salt
                asked = {"prompt": tokens, "tokens_max": chance.randrange(1, 60), "sampler": None, "now_s": 0.0}
                one.add(Answer(caller, command, **asked), command)
                sent += 1
        batch = one.begin()
        if chance.random() < 0.3 and sent:
            one.cancel(caller, chance.randrange(sent))
        if batch is not None:
            one.compute(batch)
            assert batch.status == 0
            one.finish(batch)
        cells = one._cache._cells
        assert cells.free >= 0
        if chance.random() < 0.05:
            one.cancel(caller, chance.randrange(max(1, sent)))
    assert len(caller.ends) == 120
    assert not [end for end in caller.ends.values() if isinstance(end, str)]
    assert any(end["cached_tokens"] for end in caller.ends.values())
    assert one.load().cells_running == 0
    one._cache.clear()
    assert (cells.used, cells.free) == (0, cells.cells)
    assert one.load().cells_kept == 0
