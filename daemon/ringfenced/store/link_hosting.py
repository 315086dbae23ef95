"""The supervisor's end of a worker's link, as far as it is about models: places, counts, states.

    worker ── {"id": 8, "do": "place", "with": ["m", 60.0, "request"]} ──▶ supervisor
    worker ◀── {"id": 8, "told": [0.4, "reading weights", 900]} ── supervisor      as often as there is news
    worker ◀── {"id": 8, "ok": 3} ── supervisor                                    the engine's number
    worker ── {"id": 0, "do": "leave", "with": [8]} ──▶ supervisor                 whatever became of it

A request to a model that is ready asks for nothing: its worker tells that it began and that it ended. What every model
is like is told whenever it changes, a line a model.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Protocol

from ringfenced import errors
from ringfenced.model import Loading

REFRESH_S = 1.0
"""At least this often workers learn what has changed, how many requests run included, in seconds."""

GATHER_S = 0.02
"""How long changes gather before they are told, in seconds."""


class Status(Protocol):
    """Where a model stands."""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        ...


class Place(contextlib.AbstractContextManager["Place"], Protocol):
    """A place on a model, or the way to it."""

    @property
    def number(self) -> int:
        """The engine's, once it is had."""
        ...

    async def wait(self) -> Loading | None:
        """What has changed; None once it is had."""
        ...


class Hosting(Protocol):
    """The supervisor of the engines, as a worker's link needs it."""

    def states(self) -> Mapping[str, Status]:
        """Where every model stands."""
        ...

    async def changed(self) -> None:
        """Wait until something of it changes."""
        ...

    def place(self, name: str, *, seconds_max: float | None = None) -> Place:
        """Ask for a place."""
        ...

    def load(self, name: str) -> Place:
        """Let a model be loaded."""
        ...

    async def unload(self, name: str, *, force: bool) -> None:
        """Let it end."""
        ...

    def replace(self, name: str, weights: str) -> AsyncGenerator[Loading, None]:
        """Put other weights in its place."""
        ...

    def count(self, engine: int, *, begins: bool) -> None:
        """A request began or ended in an engine that was ready."""
        ...


Say = Callable[[dict[str, object]], None]
"""Writes a message to the worker."""


class HostingEnd:
    """What one worker has of the models; all of it is given back when its link ends."""

    WORDS = frozenset({"place", "load", "leave", "began", "ended", "unload", "replace"})
    """The questions that are answered here."""
    SLOW = frozenset({"place", "load", "replace"})
    """Those of them whose answer takes its time."""

    def __init__(self, hosting: Hosting, say: Say) -> None:
        """For one worker."""
        self._hosting = hosting
        self._say = say
        self._had: dict[int, contextlib.ExitStack] = {}
        self._left: set[int] = set()
        self._running: Counter[int] = Counter()

    async def do(self, number: int, what: str, arguments: list[Any]) -> object:
        """Answer one question, or take what is told."""
        match what:
            case "place":
                name, seconds_max = arguments
                return await self._wait(number, name, self._hosting.place(name, seconds_max=seconds_max))
            case "load":
                return await self._wait(number, arguments[0], self._hosting.load(arguments[0]))
            case "leave":
                self._leave(arguments[0])
            case "began":
                self._running[arguments[0]] += 1
                self._hosting.count(arguments[0], begins=True)
            case "ended":
                self._running[arguments[0]] -= 1
                self._hosting.count(arguments[0], begins=False)
            case "unload":
                name, force = arguments
                await self._hosting.unload(name, force=force)
                self._tell_state(name)
            case "replace":
                name, weights = arguments
                async with contextlib.aclosing(self._hosting.replace(name, weights)) as steps:
                    async for loading in steps:
                        self._tell_state(name)
                        self._tell(number, loading)
            case _:
                raise errors.Internal("A worker of another version asks for something unknown.")
        return None

    async def tell_states(self) -> None:
        """Tell the worker of every model, and again of each that has changed."""
        told: dict[str, Status] = {}
        while True:
            for name, status in self._hosting.states().items():
                if told.get(name) != status:
                    told[name] = status
                    self._say({"id": 0, "status": status.to_json()})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self._hosting.changed()
            await asyncio.sleep(GATHER_S)

    def release(self) -> None:
        """Give everything back."""
        for stack in self._had.values():
            stack.close()
        self._had.clear()
        for engine, count in self._running.items():
            for _ in range(count):
                self._hosting.count(engine, begins=False)
        self._running.clear()

    async def _wait(self, number: int, name: str, place: Place) -> int | None:
        stack = self._had[number] = contextlib.ExitStack()
        stack.enter_context(place)
        is_left = number in self._left
        # Questions are taken up in the order of their numbers: nobody asks for what is before this one any more.
        self._left = {left for left in self._left if left > number}
        if is_left:
            self._leave(number)
            return None
        while (loading := await place.wait()) is not None:
            self._tell(number, loading)
            if number not in self._had:
                return None
        self._tell_state(name)  # before the answer, so that the worker knows of the engine that it names
        return place.number

    def _tell_state(self, name: str) -> None:
        self._say({"id": 0, "status": self._hosting.states()[name].to_json()})

    def _leave(self, number: int) -> None:
        stack = self._had.pop(number, None)
        if stack is None:
            self._left.add(number)  # told before the question was taken up
            return
        stack.close()

    def _tell(self, number: int, loading: Loading) -> None:
        self._say({"id": number, "told": [loading.target.model, loading.progress, loading.stage, loading.left_ms]})
