"""What a request is to the engine, whether it asks for an answer or for embeddings."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ringfenced.engines.admission import Ticket
from ringfenced.engines.server import Connection


class Refusal(Exception):
    """vLLM does not take a request; without its words, which may quote it."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What vLLM is asked for."""

    name: str
    """Unique in this process."""
    prompt: list[int] = field(repr=False)
    """Its tokens."""
    params: Mapping[str, Any] = field(repr=False)
    """Fields of SamplingParams; those of PoolingParams for an embedding."""
    structure: Mapping[str, str] | None = field(default=None, repr=False)
    """Field of StructuredOutputsParams; None for free text."""
    salt: str | None = field(default=None, repr=False)
    """What prefixes are shared within; None for all that have none."""
    adapter: str = ""
    """The LoRA adapter; empty for none."""
    is_batch: bool = False
    """Whether it gives way to others where the cache is full."""


class Maker(Protocol):
    """vLLM, as far as a request needs it (`host.py`)."""

    def generate(self, generation: Generation) -> AsyncGenerator[Any, None]:
        """Yield RequestOutputs of what is new.

        Raises:
            Refusal: vLLM does not take the request.
        """

    async def embed(self, generation: Generation) -> Sequence[float]:
        """Return the embedding of a prompt.

        Raises:
            Refusal: vLLM does not take it.
        """


class Work(ABC):
    """One request on its way; it waits, then vLLM works on it."""

    def __init__(self, connection: Connection, sequence: int) -> None:
        self.connection = connection
        """Where it came from."""
        self.sequence = sequence
        """Its number there."""
        self.ticket: Ticket[Work] | None = None
        """Its claim to a place."""
        self.task: asyncio.Task[None] | None = None
        """What works on it; None while it waits."""
        self.timer: asyncio.TimerHandle | None = None
        """Ends it when its deadline passes."""
        self.is_over = False
        """Whether its end was sent."""

    @property
    @abstractmethod
    def read_tokens(self) -> int:
        """Tokens that had to be read for it."""

    @property
    @abstractmethod
    def made_tokens(self) -> int:
        """Tokens that were made for it."""

    @property
    @abstractmethod
    def cells(self) -> int:
        """Tokens of it that the cache holds while it runs."""

    @abstractmethod
    def cancel(self, now_s: float) -> None:
        """Send its end, because somebody does not want it any more."""

    @abstractmethod
    async def run(self, maker: Maker, came: Callable[[float], None]) -> None:
        """Have vLLM work on it to its end; send what comes of it.

        Args:
            maker: vLLM.
            came: called whenever there is something to send, with the seconds that each new token took, the first's 0.
        """

    def fail(self, reason: str, **numbers: int) -> None:
        """Send that it cannot go on; once is enough."""
        if not self.is_over:
            self.is_over = True
            self.connection.fail(self.sequence, reason, **numbers)
