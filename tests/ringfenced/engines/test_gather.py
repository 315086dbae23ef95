"""An engine lets text gather, brings the first piece and the end at once, and loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import pytest

from ringfenced.engines.client import EngineClient
from ringfenced.model import Finish, Message, Prompt, Role, Text


@pytest.fixture
async def path(tmp_path):
    socket = tmp_path / "e.sock"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ringfenced.engines.scripted", "--socket", str(socket), "--interval-ms", "5")
    )
    while not socket.exists():  # noqa: ASYNC110 - a file of another process
        await asyncio.sleep(0.02)
    yield socket
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


async def pieces(path, gather_ms, words):
    client = await EngineClient.connect(path, gather_ms=gather_ms)
    prompt = Prompt((Message(Role.USER, (Text(words),)),))
    began_s, seen = time.monotonic(), []
    with client.start(prompt, confidential=False) as run:
        while not isinstance(piece := await run.take(), Finish):
            seen.append((time.monotonic() - began_s, piece))
    ended_s = time.monotonic() - began_s
    client.close()
    return seen, ended_s, piece


async def test_text_gathers_and_nothing_is_lost(path):
    words = '/script {"tokens": 40}'
    each, _, _ = await pieces(path, 0, words)
    gathered, _, finish = await pieces(path, 60, words)
    assert len(gathered) < len(each) / 2
    assert "".join(p.text for _, p in gathered) == "".join(p.text for _, p in each)
    assert sum(p.tokens for _, p in gathered) == 40 == finish.usage.completion_tokens


async def test_the_first_piece_and_the_end_do_not_wait(path):
    seen, ended_s, _ = await pieces(path, 1000, '/script {"tokens": 10}')
    assert seen[0][1].tokens < 10
    assert seen[0][0] < 0.5
    assert ended_s < 0.8


async def test_a_sequence_that_begins_brings_what_gathered_of_the_others(path):
    client = await EngineClient.connect(path, gather_ms=1000)

    def prompt(words):
        return Prompt((Message(Role.USER, (Text(words),)),))

    with client.start(prompt('/script {"tokens": 400}'), confidential=False) as slow:
        first = await slow.take()
        await asyncio.sleep(0.1)
        with client.start(prompt('/script {"tokens": 400}'), confidential=False) as other:
            await other.take()
            second = await asyncio.wait_for(slow.take(), 0.5)
    assert second.tokens > first.tokens
    client.close()
