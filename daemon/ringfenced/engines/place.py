"""A request's place on a local model: asked for, waited for, had, given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from ringfenced.engines.client import EngineClient
from ringfenced.errors import RingfenceError, Unavailable
from ringfenced.model import Loading

TELL_S = 0.2
"""At most this often whoever waits is told how far it is, in seconds."""


class Place:
    """One place. Use it in a `with` block, which gives it back; one task waits for it.

    ::

        with supervisor.place("m", seconds_max=60) as place:
            while (loading := await place.wait()) is not None:
                ...  # tell the caller
            with place.engine.start(prompt, ...) as run:
                ...
    """

    __slots__ = ("_engine", "_error", "_give_back", "_had", "_latest", "_told", "_told_s", "_waiter", "number")

    def __init__(self, give_back: Callable[[], None]) -> None:
        """A place that is waited for; `give_back` is called once, whatever became of it."""
        self._give_back: Callable[[], None] | None = give_back
        self._engine: EngineClient | None = None
        self._had = False
        self.number = 0
        """The engine's, once it is had."""
        self._error: RingfenceError | None = None
        self._latest: Loading | None = None
        self._told: Loading | None = None
        self._told_s = -TELL_S
        self._waiter: asyncio.Future[None] | None = None

    @property
    def engine(self) -> EngineClient:
        """The engine, once `wait` has returned None."""
        assert self._engine is not None
        return self._engine

    async def wait(self) -> Loading | None:
        """What has changed while it is waited for; None once it is had. Every further call waits for further news.

        Raises:
            Unavailable: the model cannot be had; the message says why.
            DeadlineExceeded: not in time.
        """
        loop = asyncio.get_running_loop()
        while True:
            if self._had:
                return None
            if self._error is not None:
                raise self._error
            left_s = self._told_s + TELL_S - loop.time()
            if self._latest != self._told and left_s <= 0:
                self._told, self._told_s = self._latest, loop.time()
                return self._latest
            self._waiter = loop.create_future()
            timer = loop.call_later(left_s, self._wake) if self._latest != self._told else None
            try:
                await self._waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()

    # ── what the giver of places calls ───────────────────────────────────────────────────────────────────────────

    def give(self, engine: EngineClient | None, number: int) -> None:
        """It is had; an operator's, or another process's, needs no connection."""
        self._engine, self.number, self._had = engine, number, True
        self._wake()

    def refuse(self, error: RingfenceError) -> None:
        """It cannot be had."""
        if self.is_waiting:
            self._error = error
            self._wake()

    def tell(self, loading: Loading) -> None:
        """It is nearer, or something else is waited for."""
        self._latest = loading
        self._wake()

    @property
    def is_waiting(self) -> bool:
        """Whether it is neither had nor refused."""
        return not self._had and self._error is None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()
        if self.is_waiting:  # whoever still does learns it
            self.refuse(Unavailable("Nobody waits for this place any more."))
