"""A department beside a flood of another, on an engine whose steps take exactly what they cost."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from ringfence.v1 import engine_pb2
from ringfenced.engines.llama.answer import Answer
from ringfenced.engines.llama.batcher import Batcher, Limits
from ringfenced.engines.server import Connection, EngineServer

VOCABULARY = 16


class Wire:
    """Takes what a connection sends."""

    def get_write_buffer_size(self):
        return 0

    def is_closing(self):
        return False

    def write(self, data):
        pass


class Model:
    """Any token is a letter; none ends an answer."""

    tokens_n = VOCABULARY

    def piece(self, token):
        return b"a"


class Context:
    """A step costs so much for itself, for each answer and for each token that is read."""

    is_cuttable = True
    window = 0
    is_pool = False

    def __init__(self, step_ms, answer_ms, read_ms):
        self.costs_ms = step_ms, answer_ms, read_ms
        self.now_s = 0.0

    def use(self, adapter):
        """There is none."""

    def decode(self, tokens, positions, owners, outputs):
        step_ms, answer_ms, read_ms = self.costs_ms
        answers = sum(outputs)
        self.now_s += (step_ms + answer_ms * answers + read_ms * (len(tokens) - answers)) / 1000
        return 0

    def logits(self, rows):
        return np.zeros((rows, VOCABULARY), np.float32)

    def remove(self, owner):
        pass


class House:
    """One engine and its callers, each of whom asks again as soon as he has been answered."""

    def __init__(self, costs_ms, *, sequences=8):
        self.context = Context(*costs_ms)
        limits = Limits(1024, 1024 * 16, sequences, 100, 64)
        self.batcher = Batcher(Model(), self.context, limits, lambda: self.context.now_s)
        self.server = EngineServer()
        self.asked = 0
        self.ends = {}

    def ask(self, share, *, prompt=48, answer=32, weight=1):
        """Return the number of the question."""
        self.asked += 1
        connection = Connection(self.server, None)
        connection._loop = asyncio.get_running_loop()
        connection._transport = Wire()
        command = engine_pb2.EngineSubmit(sequence=self.asked, share=share, weight=weight, confidential=True)
        one = Answer(
            connection, command, prompt=[3] * prompt, tokens_max=answer, sampler=None, now_s=self.context.now_s
        )
        self.batcher.add(one, command)
        return one

    def step(self):
        batch = self.batcher.begin()
        self.batcher.compute(batch)
        self.batcher.finish(batch)
        self.server.flush()

    def times(self, share, callers, *, seconds, of=None, **flood):
        """Let callers of a share ask beside others for some time; return the times to first token and end."""
        first, whole = [], []
        asking = {}
        until_s = self.context.now_s + seconds
        wanted = [(share, of or {})] * callers + [(b"flood", flood)] * (10 if flood else 0)
        while self.context.now_s < until_s:
            for caller, (name, options) in enumerate(wanted):
                one, began_s = asking.get(caller, (None, 0.0))
                if one is None or (one.place is None and one.completion_tokens):
                    if one is not None and name == share:
                        first.append(one._first_s - began_s)
                        whole.append(self.context.now_s - began_s)
                    asking[caller] = self.ask(name, **options), self.context.now_s
            self.step()
        for one, _ in asking.values():
            self.batcher.cancel(one.connection, one.sequence)
        return sorted(first), sorted(whole)


COSTS_MS = {
    "bundled": (0.25, 0.12, 0.08),
    "136 M": (13.0, 4.0, 4.0),
    "300 M": (30.0, 9.0, 11.0),
    "GPU": (8.0, 0.05, 0.02),
}
"""Of a step, of each answer in it, of each token that is read: as measured; on a GPU, as published for 8 B."""


def p95(values):
    return values[int(len(values) * 0.95)]


@pytest.mark.parametrize("kind", COSTS_MS)
@pytest.mark.parametrize("answer", [32, 100])
async def test_a_flood_at_most_doubles_what_a_light_department_waits(kind, answer):
    house = House(COSTS_MS[kind])
    seconds = COSTS_MS[kind][0] * answer / 10
    first_alone, alone = house.times(b"light", 1, seconds=seconds, of={"answer": answer})
    house.times(b"light", 0, seconds=seconds / 4, answer=answer)
    first, among = house.times(b"light", 1, seconds=seconds * 2, of={"answer": answer}, answer=answer)
    assert p95(among) <= 2 * p95(alone)
    assert p95(first) <= 3 * p95(first_alone)  # the step that it finds is added


async def test_a_department_waits_the_longer_the_less_its_weight():
    """In long answers: in short ones what is read of prompts counts for more than whose turn a token is."""
    means = []
    for light, flood in ((8, 1), (1, 1), (1, 8)):
        house = House(COSTS_MS["136 M"])
        house.times(b"light", 1, seconds=20, of={"answer": 300})
        _, whole = house.times(b"light", 1, seconds=150, of={"answer": 300, "weight": light}, answer=300, weight=flood)
        means.append(sum(whole) / len(whole))
    assert means[0] < 0.95 * means[1] < 0.95**2 * means[2]


async def test_running_answers_do_not_stop_for_a_stream_of_newcomers():
    """However many shares come with nothing but prompts to read, those that run get every other step."""
    house = House(COSTS_MS["136 M"])
    running = house.ask(b"old", answer=400)
    while not running.completion_tokens:
        house.step()
    began = house.batcher._steps
    for number in range(100):
        if number % 2 == 0:
            house.ask(f"new {number}".encode(), prompt=400, answer=1)
        house.step()
    assert running.completion_tokens >= (house.batcher._steps - began) // 2


@pytest.mark.parametrize("kind", COSTS_MS)
async def test_a_flood_gets_on_beside_a_light_department(kind):
    """Its prompts are read and its answers made also while a long answer of another's is, on engines of every speed."""
    house = House(COSTS_MS[kind])
    house.times(b"light", 1, seconds=COSTS_MS[kind][0] * 5, of={})  # measured
    before = house.asked
    _, whole = house.times(b"light", 1, seconds=COSTS_MS[kind][0] * 10, of={"answer": 900}, answer=32)
    assert house.asked - before - 11 - len(whole) >= 15 * len(whole) > 0


async def test_a_line_of_one_department_is_no_wait_for_another():
    """Places are held for it, so that no decision leaves the model out for the flood's sake."""
    house = House(COSTS_MS["bundled"])
    house.times(b"flood", 8, seconds=1.0)
    for _ in range(30):
        house.ask(b"flood")
    house.step()
    load = house.batcher.load()
    assert load.wait_interactive_ms > 0
    assert load.wait_newcomer_ms == 0
    for share in range(4):
        house.ask(b"%d" % share, answer=900)
    house.step()
    load = house.batcher.load()
    assert load.wait_newcomer_ms == load.wait_interactive_ms > 0
