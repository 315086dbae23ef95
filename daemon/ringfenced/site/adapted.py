"""A LoRA adapter as a model of its own: the base model's engine, asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from ringfenced.model import Claim, Embedded, Loading, Prompt
from ringfenced.nouns import Run


class AdapterEngine(Protocol):
    """An engine that hosts adapters beside its model."""

    def start(
        self,
        prompt: Prompt,
        *,
        cache_salt: bytes,
        confidential: bool,
        deadline_ms: int,
        claim: Claim,
        adapter: str = "",
    ) -> AbstractContextManager[Run]:
        """As `nouns.Engine.start`, with an adapter."""
        ...

    async def count(self, prompt: Prompt) -> int:
        """As `nouns.Engine.count`."""
        ...

    async def embed(self, inputs: Sequence[str], *, deadline_ms: int, claim: Claim) -> Embedded:
        """As `nouns.Engine.embed`."""
        ...


class AdapterPlace(AbstractContextManager["AdapterPlace"], Protocol):
    """A place on an engine that hosts adapters; as `nouns.Place`."""

    async def wait(self) -> Loading | None:
        """As `nouns.Place.wait`."""
        ...

    @property
    def engine(self) -> AdapterEngine:
        """The engine, once it is had."""
        ...


class AdaptedPlace(AbstractContextManager["AdaptedPlace"]):
    """Implements `nouns.Place`: a place on the base model, for one adapter."""

    def __init__(self, place: AdapterPlace, adapter: str) -> None:
        """Look at a place as if its engine hosted one adapter alone.

        Args:
            place: on the base model.
            adapter: the adapter's name.
        """
        self._place = place
        self._adapter = adapter

    async def wait(self) -> Loading | None:
        """What has changed while it is waited for; None once it is had."""
        return await self._place.wait()

    @property
    def engine(self) -> AdaptedEngine:
        """The engine, once it is had."""
        return AdaptedEngine(self._place.engine, self._adapter)

    def __enter__(self) -> Self:
        self._place.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._place.__exit__(kind, error, traceback)


class AdaptedEngine:
    """Implements `nouns.Engine`."""

    def __init__(self, engine: AdapterEngine, adapter: str) -> None:
        """Look at an engine as if it hosted one adapter alone.

        Args:
            engine: the base model's.
            adapter: the adapter's name.
        """
        self._engine = engine
        self._adapter = adapter

    def start(
        self, prompt: Prompt, *, cache_salt: bytes, confidential: bool, deadline_ms: int, claim: Claim
    ) -> AbstractContextManager[Run]:
        """Begin an answer with the adapter."""
        return self._engine.start(
            prompt,
            cache_salt=cache_salt,
            confidential=confidential,
            deadline_ms=deadline_ms,
            claim=claim,
            adapter=self._adapter,
        )

    async def count(self, prompt: Prompt) -> int:
        """The prompt's tokens: an adapter has its base model's tokenizer."""
        return await self._engine.count(prompt)

    async def embed(self, inputs: Sequence[str], *, deadline_ms: int, claim: Claim) -> Embedded:
        """What the base model makes of texts."""
        return await self._engine.embed(inputs, deadline_ms=deadline_ms, claim=claim)
