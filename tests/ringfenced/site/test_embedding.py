"""A model of this node says more of prompts: in time or not at all, and never at a request's cost."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import numpy as np
import pytest

from ringfenced.config import LocalModel, Routing
from ringfenced.engines.status import EngineState
from ringfenced.errors import ContextExceeded, DeadlineExceeded, Unavailable
from ringfenced.learn.outcome import EMBEDDED, Features
from ringfenced.model import Embedded, Usage
from ringfenced.site.embedding import PAUSE_S, TIME_SHARE, LocalEmbedder

PLAIN = Features(np.ones(12, np.float32), np.zeros(0, np.uint32), np.zeros(0, np.float32))


class Engine:
    """Embeds, or does what it is told: an error is raised, None hangs."""

    def __init__(self, *script):
        self.script = list(script)
        self.asked = []
        self.waits_ms = []
        self.is_asked = asyncio.Event()

    async def embed(self, inputs, *, deadline_ms, claim):
        self.asked += inputs
        self.waits_ms.append(deadline_ms)
        self.is_asked.set()
        does = self.script.pop(0) if self.script else (0.6, 0.8)
        if does is None:
            await asyncio.Event().wait()
        if isinstance(does, Exception):
            raise does
        return Embedded((does,), Usage(1, 0))


class Engines:
    """One engine, and how often each was asked for."""

    def __init__(self, engine, state=EngineState.READY):
        self.engine, self.state = engine, state
        self.changes = self.looks = self.places = self.left = 0

    def states(self):
        self.looks += 1
        return {"minilm": SimpleNamespace(state=self.state)}

    def place(self, name, *, seconds_max, salt):
        assert (name, salt) == ("minilm", b"")
        self.places += 1
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.left += 1

    async def wait(self):
        return None


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def embedder(engine, *, engines=None, clock=None, context_tokens=4096, **settings):
    model = LocalModel(name="minilm", engine="command", command=("x",), context_tokens=context_tokens)
    return LocalEmbedder(engines or Engines(engine), model, Routing(**settings), salt=b"s" * 16, clock=clock or Clock())


async def test_a_prompt_gets_its_numbers():
    engine = Engine()
    asking = embedder(engine)
    found = await asking.added(PLAIN, "Which ward?", None)
    assert (len(found.embedded), found.hand is PLAIN.hand) == (EMBEDDED, True)
    assert found.space
    again = await asking.added(PLAIN, "Which ward?", None)
    assert (again.space, again.embedded.tolist()) == (found.space, found.embedded.tolist())
    assert engine.asked == ["Which ward?"] * 2
    assert engine.waits_ms[0] == 100
    assert asking.counts == {"used": 2}


async def test_of_a_long_prompt_the_end_is_read_and_less_where_that_is_too_long():
    long = "a" * 5000 + "?"
    engine = Engine(ContextExceeded("too long"))
    await embedder(engine).added(PLAIN, long, None)
    assert engine.asked == [long[-2000:], long[-500:]]
    less = Engine()
    await embedder(less, embedder_chars=300).added(PLAIN, long, None)
    assert less.asked == [long[-300:]]
    small = Engine()
    await embedder(small, context_tokens=128).added(PLAIN, long, None)
    assert small.asked == [long[-256:]]


async def test_an_empty_prompt_is_not_asked_about():
    engine = Engine()
    asking = embedder(engine)
    assert await asking.added(PLAIN, " \n", None) is PLAIN
    assert (engine.asked, asking.counts) == ([], {})


async def test_a_late_engine_is_left_and_the_request_goes_on():
    engine = Engine(None)
    engines = Engines(engine)
    asking = embedder(engine, engines=engines, embedder_ms=20)
    started_s = time.monotonic()
    assert await asking.added(PLAIN, "Which ward?", None) is PLAIN
    assert time.monotonic() - started_s < 5
    assert (engines.left, asking.counts) == (1, {"late": 1})


async def test_a_request_with_little_time_gives_a_part_of_it():
    engine = Engine()
    clock = Clock()
    await embedder(engine, clock=clock).added(PLAIN, "Which ward?", clock.now_s + 0.2)
    assert engine.waits_ms == [pytest.approx(200 * TIME_SHARE, abs=1)]


async def test_a_request_whose_time_is_over_asks_nobody():
    engine = Engine()
    clock = Clock()
    asking = embedder(engine, clock=clock)
    assert await asking.added(PLAIN, "Which ward?", clock.now_s - 1) is PLAIN
    assert (engine.asked, asking.counts) == ([], {"away": 1})


@pytest.mark.parametrize(
    ("does", "outcome"),
    [
        (Unavailable("the engine died"), "failed"),
        (ConnectionError("reset"), "failed"),
        ((0.0, 0.0), "failed"),
        ((float("nan"), 1.0), "failed"),
        ((), "failed"),
        (DeadlineExceeded("its queue is long"), "late"),
    ],
)
async def test_whatever_goes_wrong_the_request_goes_on_and_the_model_has_a_rest(does, outcome):
    """A dead model costs few requests their time."""
    engine, clock = Engine(does), Clock()
    asking = embedder(engine, clock=clock)
    assert await asking.added(PLAIN, "Which ward?", None) is PLAIN
    assert await asking.added(PLAIN, "Which ward?", None) is PLAIN
    assert (len(engine.asked), asking.counts) == (1, {outcome: 1, "away": 1})
    clock.now_s += PAUSE_S
    assert (await asking.added(PLAIN, "Which ward?", None)).space
    assert asking.counts["used"] == 1


async def test_a_model_that_is_not_loaded_is_neither_loaded_nor_waited_for():
    """To load it could make another give way. Whether it is loaded is looked up when something has changed."""
    engine = Engine()
    engines = Engines(engine, EngineState.LOADING)
    asking = embedder(engine, engines=engines)
    for _ in range(3):
        assert await asking.added(PLAIN, "Which ward?", None) is PLAIN
    assert (engines.places, engines.looks, asking.counts) == (0, 1, {"away": 3})
    engines.state, engines.changes = EngineState.READY, 1
    assert (await asking.added(PLAIN, "Which ward?", None)).space
    assert engines.looks == 2


async def test_a_model_of_another_length_is_another_space():
    engine = Engine((1.0, 0.0), (0.0, 1.0, 0.0))
    asking = embedder(engine)
    one, other = [await asking.added(PLAIN, "Which ward?", None) for _ in range(2)]
    assert one.space != other.space


async def test_who_is_cancelled_is_cancelled_and_gives_its_place_back():
    engine = Engine(None)
    engines = Engines(engine)
    asking = embedder(engine, engines=engines)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asking.added(PLAIN, "Which ward?", None))
        await engine.is_asked.wait()
        task.cancel()
    assert task.cancelled()
    assert engines.left == 1
