"""Who is embedded when: shares, priorities, deadlines, bounds; with a model that costs time and computes nothing."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.llama.embed import PLACES, EmbeddingBackend, EmbedLimits
from ringfenced.engines.server import Connection, EngineServer

INPUTS_MAX = 4


class Model:
    bytes = 0

    def tokenize_input(self, text):
        return [1] * len(text)


class Context:
    """A batch takes a second."""

    dimensions = 4

    def __init__(self):
        self.now_s = 0.0

    def decode(self, tokens, positions, owners, outputs):
        assert len(set(owners)) <= INPUTS_MAX
        self.now_s += 1
        return 0

    def pooled(self, owner):
        return np.ones(4, np.float32)

    def remove(self, owner):
        pass


class Wire:
    """Takes what is sent."""

    def write(self, data):
        pass

    def is_closing(self):
        return False

    def get_write_buffer_size(self):
        return 0


class House:
    """An engine that embeds, and when each request came to its end."""

    def __init__(self, queue_max=64):
        self.context = Context()
        self.server = EngineServer()
        limits = EmbedLimits(64, INPUTS_MAX, queue_max)
        self.backend = EmbeddingBackend(
            self.server, Model(), self.context, limits, version="1", clock=lambda: self.context.now_s
        )
        self.connection = Connection(self.server, None)
        self.connection._loop = asyncio.get_running_loop()
        self.connection._transport = Wire()
        self.ended = {}
        self.failed = {}
        self.connection.fail = self._fail
        send = self.backend._send

        def sent(job):
            self.ended[job.sequence] = self.context.now_s
            send(job)

        self.backend._send = sent

    def _fail(self, sequence, reason, **numbers):
        self.failed[sequence] = reason, numbers

    def embed(self, sequence, share, inputs, **values):
        command = engine_pb2.EngineEmbed(sequence=sequence, share=share, inputs=["x"] * inputs, **values)
        self.backend.embed(self.connection, command)

    async def end(self):
        """Until nothing is left to do."""
        async with asyncio.timeout(10):
            load = self.backend.load
            while load().running or load().waiting_interactive or load().waiting_batch:  # noqa: ASYNC110  # its steps
                await asyncio.sleep(0)


async def test_a_light_department_does_not_wait_for_a_floods_embeddings():
    house = House()
    for sequence in range(30):
        house.embed(sequence, b"flood", 20)
    await asyncio.sleep(0)
    house.embed(99, b"light", 1)
    await house.end()
    assert house.ended[99] == 2, "the step that it finds, and the next"
    assert house.ended[99] < min(house.ended[sequence] for sequence in range(30))


async def test_what_somebody_waits_for_goes_before_what_nobody_does():
    house = House()
    for sequence in range(20):
        house.embed(sequence, b"ward", 4, priority=types_pb2.PRIORITY_BATCH)
    await asyncio.sleep(0)
    house.embed(99, b"ward", 4)
    await house.end()
    assert (
        sum(ended < house.ended[99] for ended in house.ended.values()) < 2 * PLACES
    )  # those that had places, and who got one with it


async def test_shares_take_turns_over_the_steps():
    """As many as there are: each is as far as the others at any time, whatever the number of its requests."""
    house = House()
    for sequence in range(8):
        house.embed(sequence, b"flood", 12)
    for sequence in range(8, 14):
        house.embed(sequence, b"%d" % sequence, 12)
    await house.end()
    lights = [house.ended[sequence] for sequence in range(8, 14)]
    assert max(lights) - min(lights) <= 1
    assert max(lights) <= 1 + 7 * 12 / INPUTS_MAX


async def test_a_line_is_bounded_and_says_how_long_it_is():
    house = House(queue_max=2)
    for sequence in range(PLACES):
        house.embed(sequence, b"ward", 8)
    await asyncio.sleep(0)
    assert house.backend.load().running == PLACES
    for sequence in range(100, 103):
        house.embed(sequence, b"ward", 1)
    assert house.backend.load().waiting_interactive == 2
    assert house.failed[102][0] == "overloaded"
    await house.end()
    assert set(house.ended) == {*range(PLACES), 100, 101}


async def test_what_cannot_be_in_time_is_told_at_once():
    house = House()
    house.embed(1, b"ward", 8)
    await house.end()
    for sequence in range(2, 2 + PLACES):
        house.embed(sequence, b"ward", 40)
    await asyncio.sleep(0)
    house.embed(99, b"ward", 8, deadline_ms=1500)
    reason, numbers = house.failed[99]
    assert reason == "too_late"
    assert numbers["wait_ms"] > 1500


async def test_a_deadline_that_passes_ends_a_request_that_waits_and_one_that_runs():
    house = House()
    for sequence in range(PLACES + 1):
        house.embed(sequence, b"ward", 8, deadline_ms=2500)
    await house.end()
    assert len(house.failed) + len(house.ended) == PLACES + 1
    assert {reason for reason, _ in house.failed.values()} == {"deadline"}
    assert max(house.ended.values(), default=0) <= 3


@pytest.mark.parametrize("sequence", [0, PLACES])
async def test_one_that_is_given_up_leaves_its_place_to_the_next(sequence):
    house = House()
    for number in range(PLACES + 2):
        house.embed(number, b"ward", 4)
    await asyncio.sleep(0)
    house.backend.cancel(house.connection, sequence)
    await house.end()
    assert set(house.ended) == set(range(PLACES + 2)) - {sequence}
