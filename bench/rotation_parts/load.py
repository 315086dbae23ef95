"""What runs while certificates are renewed: short calls one after the other, and streams longer than a rotation."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field

from fakes import provider as standin
from ringfence.client import AsyncClient, RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import types_pb2 as types

PAUSE_S = 0.05
"""Between two calls of one caller: the machine need not be full."""
PIECE_S = 0.05
"""Between two pieces of a stream."""


@dataclass
class Tally:
    """What was asked and what failed."""

    requests: Counter[str] = field(default_factory=Counter)
    """Ended well, by kind."""
    failures: Counter[str] = field(default_factory=Counter)
    """Ended badly, by kind, status and reason."""
    spanning: int = 0
    """Streams during which certificates were renewed."""


class Load:
    """Callers of one site."""

    def __init__(self, client: AsyncClient, stream_s: float, rotations: list[float]) -> None:
        """Prepare.

        Args:
            client: one long-lived client, as an application has it.
            stream_s: how long a stream takes, in seconds.
            rotations: when certificates were renewed, by the loop's clock; grows.
        """
        self.tally = Tally()
        self._client = client
        self._pieces = max(2, int(stream_s / PIECE_S))
        self._rotations = rotations
        self._stopping = False

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True

    async def run(self, unary: int, streams: int) -> None:
        """So many callers of each kind at once, until `stop` and the end of what was begun."""
        async with asyncio.TaskGroup() as group:
            for _ in range(unary):
                group.create_task(self._repeat("unary", self._plan))
            for _ in range(streams):
                group.create_task(self._repeat("local stream", self._local))
                group.create_task(self._repeat("stream through the agent", self._cloud))

    async def _repeat(self, kind: str, ask) -> None:
        while not self._stopping:
            began = len(self._rotations)
            try:
                await ask()
            except RingfenceCallError as error:
                self.tally.failures[f"{kind}: {error.code.name} {error.reason} {error.message[:120]}"] += 1
                await asyncio.sleep(0.1)
                continue
            self.tally.requests[kind] += 1
            self.tally.spanning += kind != "unary" and len(self._rotations) > began
            await asyncio.sleep(PAUSE_S)

    async def _plan(self) -> None:
        await self._client.plan("Which form does a transfer need?")

    async def _local(self) -> None:
        script = f'/script {{"tokens": {self._pieces}, "interval_steps": {int(PIECE_S * 500)}}}'
        sampling = types.Sampling(tokens_max=self._pieces)
        answer = await self._client.generate_text(script, model="house", sampling=sampling)
        assert answer.text == " tok" * self._pieces

    async def _cloud(self) -> None:
        words = " ".join(["word"] * self._pieces)
        answer = await self._client.generate_text(words, model="gpt", label=Label(Level.PUBLIC))
        assert answer.text == words


def speak_slowly(provider: standin.StandInProvider) -> None:
    """Let the provider say again what it was asked, a word at a time."""

    def on_request(body: bytes) -> None:
        words = json.loads(body)["messages"][-1]["content"].split(" ")
        said = standin.answer(words[0], *(f" {word}" for word in words[1:]))
        provider.script[:] = [[part for piece in said for part in (piece, PIECE_S)]]

    provider.on_request = on_request
