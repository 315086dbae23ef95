"""A model of this node is asked from a thread; whatever goes wrong is an error in time, never an empty answer."""

import asyncio
import threading
import time

import pytest

from ringfence.recognize.plugins import PluginFailed, Question
from ringfenced.config import LocalModel
from ringfenced.errors import Unavailable
from ringfenced.model import Claim, Finish, FinishReason, TextDelta, Usage
from ringfenced.site.asking import LocalReaders

QUESTION = Question("house", "Is there a name in it?", '{"type": "object"}', seconds_max=5.0)
STOP = Finish(FinishReason.STOP, Usage(0, 0))


class Engine:
    """Says its pieces, or hangs where there are none left; remembers how it was asked."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.asked = []
        self.left = threading.Event()
        self.tokens_received = 0

    def start(self, prompt, **how):
        self.asked.append((prompt, how))
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.left.set()

    async def take(self):
        if not self.pieces:
            await asyncio.Event().wait()
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece


class Place:
    def __init__(self, engine):
        self.engine = engine

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    async def wait(self):
        if self.engine is None:
            raise Unavailable("it cannot be loaded")


class Engines:
    def __init__(self, **engines):
        self._engines = engines

    def place(self, name, *, seconds_max, salt):
        return Place(self._engines.get(name))


def asked(engine, question=QUESTION, **model):
    """What a thread gets that asks."""
    models = [LocalModel(name="house", engine="command", command=("x",), **model)]
    engines = Engines(house=engine) if engine else Engines()
    readers = LocalReaders(asyncio.get_running_loop(), engines, models, lambda size: b"s" * size)
    return asyncio.to_thread(readers.ask, question)


async def test_the_whole_answer_comes_back():
    assert await asked(Engine(TextDelta('{"a"', 1), TextDelta(": 1}", 1), STOP)) == '{"a": 1}'


async def test_the_engine_is_asked_in_confidence_under_the_schema_and_within_the_time():
    engine = Engine(STOP)
    await asked(engine)
    ((prompt, how),) = engine.asked
    assert prompt.messages[0].parts[0].text == QUESTION.prompt
    assert prompt.json_schema == QUESTION.json_schema
    assert prompt.sampling.temperature == 0
    assert how == {"cache_salt": b"s" * 16, "confidential": True, "deadline_ms": 5000, "claim": Claim()}


async def test_a_model_that_keeps_to_no_schema_is_given_none():
    engine = Engine(STOP)
    await asked(engine, json_schema=False)
    assert engine.asked[0][0].json_schema == ""


@pytest.mark.parametrize("reason", [reason for reason in FinishReason if reason is not FinishReason.STOP])
async def test_an_answer_that_was_cut_off_is_none(reason):
    with pytest.raises(PluginFailed, match="cut off"):
        await asked(Engine(TextDelta("{}", 1), Finish(reason, Usage(0, 0))))


async def test_an_engine_that_is_away_or_dies_is_an_error():
    with pytest.raises(Unavailable, match="cannot be loaded"):
        await asked(None)
    with pytest.raises(Unavailable):
        await asked(Engine(TextDelta("{}", 1), Unavailable("the engine died")))


async def test_a_model_that_is_late_is_left_and_its_slot_is_free():
    engine = Engine(TextDelta("{", 1))
    started_s = time.monotonic()
    with pytest.raises(TimeoutError):
        await asked(engine, Question("house", "?", "", seconds_max=0.05))
    assert time.monotonic() - started_s < 5
    assert await asyncio.to_thread(engine.left.wait, 10)


def test_after_the_loop_nobody_is_asked():
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(PluginFailed, match="about to end"):
        LocalReaders(loop, Engines(), [], bytes).ask(QUESTION)
