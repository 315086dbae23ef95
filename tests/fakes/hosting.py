"""Models without weights for tests of hosting, and a request as short as it can be."""

from __future__ import annotations

import asyncio
import sys

from ringfenced.engines.launch import EngineKind, EngineSpec
from ringfenced.model import Finish, Message, Prompt, Role, Text, TextDelta


def scripted(name="m", *arguments, **values):
    command = (sys.executable, "-P", "-m", "ringfenced.engines.scripted", *arguments)
    return EngineSpec(name, EngineKind.COMMAND, command, **{"preload": False, "ways": ({"cpu": 1},), **values})


def slow(name="m", seconds=0.5, **values):
    """An engine that tells how far it is while it loads."""
    code = (
        "import runpy, sys, time\n"
        "from ringfenced.engines.progress import ProgressPipe\n"
        "pipe = ProgressPipe(int(sys.argv.pop()))\n"
        "assert sys.argv.pop() == '--progress-fd'\n"
        f"pipe.tell(0.25); time.sleep({seconds / 2})\n"
        f"pipe.tell(0.75); pipe.say('warming up'); time.sleep({seconds / 2})\n"
        "pipe.close()\n"
        "runpy.run_module('ringfenced.engines.scripted', run_name='__main__')\n"
    )
    command = (sys.executable, "-P", "-c", code)
    values = {"preload": False, "ways": ({"cpu": 1},), "tells_progress": True, **values}
    return EngineSpec(name, EngineKind.COMMAND, command, **values)


def prompt(text):
    return Prompt((Message(Role.USER, (Text(text),)),))


async def until(condition, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what is awaited happens in other processes
            await asyncio.sleep(0.005)


async def had(place):
    """Wait for a place; what was told meanwhile."""
    told = []
    while (loading := await place.wait()) is not None:
        told.append(loading)
    return told


async def said(engine, text):
    """An answer's text."""
    with engine.start(prompt(text), confidential=True) as run:
        parts = []
        while isinstance(piece := await run.take(), TextDelta):
            parts.append(piece.text)
        assert isinstance(piece, Finish)
        return "".join(parts)


async def ask(supervisor, name, text):
    """A whole request."""
    with supervisor.place(name) as place:
        await had(place)
        return await said(place.engine, text)
