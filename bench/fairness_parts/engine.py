"""A real engine process, and one who asks it."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ringfenced.engines.client import EngineClient
from ringfenced.model import Claim, Finish, Message, Prompt, Role, Sampling, Text, TextDelta

START_S = 60.0
"""How long an engine may take to load."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How one request went."""

    first_ms: float
    """To the first text."""
    whole_ms: float
    """To the end."""
    gap_ms: float
    """Longest time from one text to the next."""
    first_cpu_ms: float
    """To the first text, in the engine's processor time: what it would be on a machine that does nothing else."""
    whole_cpu_ms: float
    """To the end, likewise."""
    cached_tokens: int
    """Tokens of the prompt that were not read."""
    prompt_tokens: int
    """All of them."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine."""

    client: EngineClient
    """A connection to it."""
    process: psutil.Process
    """Its process."""

    def cpu_ms(self) -> float:
        """Return what it has computed so far, in milliseconds of a processor's time."""
        times = self.process.cpu_times()
        return (times.user + times.system) * 1000


@asynccontextmanager
async def engine(folder: Path, model: Path, *arguments: str) -> AsyncIterator[Engine]:
    """Start an engine on one compute thread; it ends with the block."""
    path = folder / f"{time.monotonic_ns()}.sock"
    command = (sys.executable, "-P", "-m", "ringfenced.engines.worker", "--socket", path, "--parent", os.getpid())
    process = await asyncio.create_subprocess_exec(*map(str, (*command, "--model", model, "--threads", 1, *arguments)))
    try:
        async with asyncio.timeout(START_S):
            while not path.exists():
                if process.returncode is not None:
                    raise SystemExit("the engine did not start")
                await asyncio.sleep(0.05)
        client = await EngineClient.connect(path, timeout_s=START_S)
        yield Engine(client, psutil.Process(process.pid))
        client.close()
    finally:
        process.kill()
        await process.wait()


async def ask(
    one: Engine,
    text: str,
    tokens_max: int,
    *,
    share: bytes = b"",
    salt: bytes = b"",
    confidential: bool = True,
) -> Answered:
    """Ask once, greedily, and read the answer to its end."""
    prompt = Prompt((Message(Role.USER, (Text(text),)),), sampling=Sampling(tokens_max=tokens_max, temperature=0.0))
    began_s = time.monotonic()
    times_s: list[float] = []
    claim = Claim(share=share)
    began_cpu_ms = one.cpu_ms()
    first_cpu_ms = 0.0
    with one.client.start(prompt, cache_salt=salt, confidential=confidential, claim=claim) as run:
        while isinstance(event := await run.take(), TextDelta):
            times_s.append(time.monotonic())
            first_cpu_ms = first_cpu_ms or one.cpu_ms()
    assert isinstance(event, Finish)
    ended_s = time.monotonic()
    gaps_s = [later - earlier for earlier, later in itertools.pairwise(times_s)]
    return Answered(
        first_ms=((times_s[0] if times_s else ended_s) - began_s) * 1000,
        whole_ms=(ended_s - began_s) * 1000,
        gap_ms=max(gaps_s, default=0.0) * 1000,
        first_cpu_ms=(first_cpu_ms or one.cpu_ms()) - began_cpu_ms,
        whole_cpu_ms=one.cpu_ms() - began_cpu_ms,
        cached_tokens=event.usage.cached_tokens,
        prompt_tokens=event.usage.prompt_tokens,
    )
