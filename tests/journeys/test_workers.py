"""Two worker processes share one port, one engine, one wallet and one memory."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from fakes.site import site as open_site
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import types_pb2 as types

pytestmark = pytest.mark.journey


@pytest.fixture
async def pair():
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder, workers=2) as made:
        yield made
    shutil.rmtree(folder)


async def test_two_workers_serve_as_one(pair):
    children = [p for p in psutil.Process(pair.daemon.pid).children() if "--worker" in p.cmdline()]
    assert len(children) == 2
    answers = await asyncio.gather(*(pair.client().generate_text("hello") for _ in range(24)))
    assert all(answer.text for answer in answers)
    cost = sum(answer.receipt.cost_microcredits for answer in answers)
    wallet = await pair.client().wallet()
    assert (wallet.spent_microcredits, wallet.held_microcredits) == (cost, 0)
    # A label said to one worker holds for the other.
    await pair.client().generate_text("Patient: Joanna Whitfield", conversation_id="c")
    for _ in range(6):
        with pytest.raises(RingfenceCallError):
            await pair.client().generate_text("And?", conversation_id="c", label=Label(Level.PUBLIC), quality_min=0.9)
    # A worker that dies is started again; the other goes on, and what it held is free.
    children[0].kill()
    await asyncio.sleep(2.5)
    again = [p for p in psutil.Process(pair.daemon.pid).children() if "--worker" in p.cmdline()]
    assert len(again) == 2
    assert all(answer.text for answer in await asyncio.gather(*(pair.client().generate_text("x") for _ in range(8))))
    assert (await pair.client().wallet()).held_microcredits == 0


async def test_nothing_is_left_running(pair):
    tree = psutil.Process(pair.daemon.pid).children(recursive=True)
    assert len(tree) >= 3
    pair.daemon.terminate()
    await asyncio.wait_for(pair.daemon.wait(), 15)
    assert pair.daemon.returncode == 0
    assert not [p for p in tree if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


async def test_what_runs_ends_whole_when_the_daemon_is_told_to_stop(pair):
    """And whoever only watches does not hold it up."""
    watching = pair.client("operator").watch_models()
    await anext(watching)
    script = '/script {"tokens": 400, "interval_steps": 1}'
    asking = pair.client().generate(script, sampling=types.Sampling(tokens_max=400))
    await anext(asking)
    told_s = time.monotonic()
    pair.daemon.terminate()
    kinds = [event.WhichOneof("event") async for event in asking]
    with pytest.raises(RingfenceCallError):
        async for _ in watching:
            pass
    await asyncio.wait_for(pair.daemon.wait(), 15)
    assert kinds[-2:] == ["finish", "receipt"]
    assert pair.daemon.returncode == 0
    assert time.monotonic() - told_s < 5.0, "the watcher had the whole drain_seconds_max"
