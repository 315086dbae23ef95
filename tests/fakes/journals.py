"""Journals in a folder, running, stopped or killed."""

import asyncio
from contextlib import asynccontextmanager, suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence_agent.entry import Kind
from ringfence_agent.journal import Journal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "site.example/egress"


class Clock:
    """A wall clock that does as it is told."""

    def __init__(self, now=1_800_000_000_000):
        self.now = now

    def __call__(self):
        return self.now


def opened(directory, clock=None, **more):
    return Journal(directory, ORIGIN, KEY, clock or Clock(), **more)


@asynccontextmanager
async def journal(directory, clock=None, **more):
    """A journal, running; brought up to date when it ends."""
    one = opened(directory, clock, **more)
    async with asyncio.TaskGroup() as group:
        group.create_task(one.run())
        try:
            yield one
        finally:
            one.stop()


@asynccontextmanager
async def killed(directory, clock=None, **more):
    """A journal, running; it ends as a process does that is killed: nothing is brought up to date."""
    one = opened(directory, clock, **more)
    run = asyncio.get_running_loop().create_task(one.run())
    await asyncio.sleep(0)
    try:
        yield one
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run


async def append(one, count, kind=Kind.REFUSAL, **fields):
    """Append that many entries at once; they are durable on return."""
    start = one.size
    await asyncio.gather(*(one.append(kind, {"number": start + number, **fields}) for number in range(count)))


async def filled(directory, count, clock=None, **more):
    async with journal(directory, clock, **more) as one:
        for number in range(count):
            await one.append(Kind.REFUSAL, {"number": number})
