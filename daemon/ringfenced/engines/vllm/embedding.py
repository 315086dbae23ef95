"""One request for embeddings inside the vLLM engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from ringfence.v1 import engine_pb2
from ringfenced.engines.vllm.work import Generation, Maker, Refusal, Work


class Embedding(Work):
    """The embeddings of some texts, in the making."""

    def __init__(self, generations: Sequence[Generation], **where: Any) -> None:
        """Begin.

        Args:
            generations: one for each text.
            where: connection and sequence.
        """
        super().__init__(**where)
        self.generations = generations
        self._started_s = time.monotonic()

    @property
    def read_tokens(self) -> int:
        """Tokens of all texts."""
        return sum(len(generation.prompt) for generation in self.generations)

    @property
    def made_tokens(self) -> int:
        """None."""
        return 0

    @property
    def cells(self) -> int:
        """Tokens of all texts."""
        return self.read_tokens

    def cancel(self, now_s: float) -> None:  # noqa: ARG002  # nothing is measured
        """End it; nobody waits for an end."""
        self.is_over = True

    async def run(self, maker: Maker, came: Callable[[float], None]) -> None:
        """Have all texts embedded, as many at once as vLLM will; send the vectors together."""
        try:
            vectors = await asyncio.gather(*map(maker.embed, self.generations))
        except Refusal:
            self.fail("internal")
            return
        if self.is_over:
            return
        self.is_over = True
        self.connection.dirty().embeddings.add(
            sequence=self.sequence,
            vectors=[engine_pb2.EngineVector(values=vector) for vector in vectors],
            prompt_tokens=self.read_tokens,
            duration_us=round((time.monotonic() - self._started_s) * 1e6),
        )
        self.connection.flush()  # a frame of their own, as llama.cpp's
        came(0.0)
