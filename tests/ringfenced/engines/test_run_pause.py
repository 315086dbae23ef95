"""A pause lets text gather, and never outlasts its run."""

from __future__ import annotations

import asyncio

from ringfenced.engines.run import Run
from ringfenced.model import Finish, FinishReason, TextDelta, Usage

FINISH = Finish(FinishReason.STOP, Usage(1, 1))


def run():
    return Run(None, 1, asyncio.get_running_loop(), 1000)


async def test_text_gathers_during_a_pause():
    one = run()
    one.push("a", 1)
    assert await one.take() == TextDelta("a", 1)
    asyncio.get_running_loop().call_later(0.01, one.push, "b", 1)
    asyncio.get_running_loop().call_later(0.02, one.push, "c", 1)
    await one.pause(0.05)
    assert await one.take() == TextDelta("bc", 2)


async def test_the_end_ends_the_pause():
    one = run()
    asyncio.get_running_loop().call_later(0.01, one.end, FINISH)
    await asyncio.wait_for(one.pause(30), 1)
    await asyncio.wait_for(one.pause(30), 1)
    assert await one.take() is FINISH
