"""A request worker's view of engines that the node's supervisor process owns: it connects, and starts nothing.

What is ready the worker learns from the supervisor, and connects to by itself. A request to a ready model goes straight
to its engine, and the supervisor is told; only a model that is not ready is asked for (`store.link`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ringfenced import errors
from ringfenced.engines.client import EngineClient, WrongListener, unavoidable_waits_ms
from ringfenced.engines.launch import EngineSpec, socket_path
from ringfenced.engines.place import Place
from ringfenced.engines.replica import connect_when_ready
from ringfenced.engines.status import EngineState, EngineStatus
from ringfenced.model import Loading, Target, TargetKind
from ringfenced.schedule.placement_settle import LOADING

CONNECT_S = 5.0
"""How long a connection to an engine that the supervisor calls ready may take, in seconds."""

TRIES_MAX = 3
"""How often a place is asked for whose engine dies before the worker reaches it."""

_LOG = logging.getLogger("ringfenced.engines")


class Supervisor(Protocol):
    """The link to it."""

    on_status: Callable[[dict[str, Any]], None]

    def new_number(self) -> int:
        """A number for a `stream`."""
        ...

    def stream(self, number: int, what: str, *arguments: object) -> AsyncGenerator[list[Any] | int | None, None]:
        """Ask for what takes its time: what is told meanwhile, then the answer."""
        ...

    def tell(self, what: str, *arguments: object) -> None:
        """Tell it something."""
        ...

    async def ask(self, what: str, *arguments: object) -> Any:
        """Ask it something."""
        ...


class AttachedEngines:
    """One connection per engine that is ready, and the way to those that are not. Belongs to one event loop."""

    def __init__(self, specs: Iterable[EngineSpec], *, socket_dir: Path, supervisor: Supervisor) -> None:
        """Prepare; nothing is connected before `run`. The first arguments are those of `EngineSupervisor`."""
        self._specs = {spec.name: spec for spec in specs}
        self._socket_dir = socket_dir
        self._supervisor = supervisor
        self._states = {
            name: EngineStatus(name=name, engine=spec.kind, state=EngineState.UNLOADED)
            for name, spec in self._specs.items()
        }
        self._clients: dict[int, EngineClient] = {}
        self._following: set[int] = set()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._news: asyncio.Future[None] | None = None
        self.changes = 0
        """Counts whenever something of a state has changed."""
        supervisor.on_status = self._on_status

    async def run(self) -> None:
        """Keep connected until `stop` or until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._follow_ready()
            try:
                await self._stopping.wait()
            finally:
                self._group = None
                for task in self._tasks:
                    task.cancel()

    async def stop(self) -> None:
        """Let go of every engine; they go on."""
        self._stopping.set()

    def engine(self, name: str) -> EngineClient | None:
        """Return a client of a model that is ready; None for every other."""
        return self._clients.get(self._best(name) or 0)

    def states(self) -> Mapping[str, EngineStatus]:
        """Return where every model stands, as the supervisor told."""
        return self._states

    def waits(self) -> dict[str, int]:
        """Return how many milliseconds whoever asks would wait for a place; as `EngineSupervisor.waits`."""
        return unavoidable_waits_ms(client for client in self._clients.values() if not client.is_closed)

    def place(self, name: str, *, seconds_max: float | None = None, salt: bytes = b"") -> Place:
        """Ask for a place on a model; as `EngineSupervisor.place`. The salt is of no account between processes."""
        del salt
        self._of(name)
        number = self._best(name)
        if number is None:
            return self._ask(name, "place", name, seconds_max)
        place = Place(lambda: self._supervisor.tell("ended", number))
        self._supervisor.tell("began", number)
        place.give(self._clients[number], number)
        return place

    def load(self, name: str) -> Place:
        """Let a model be loaded; as `EngineSupervisor.load`."""
        self._of(name)
        return self._ask(name, "load", name)

    async def unload(self, name: str, *, force: bool = False) -> None:
        """Let a model's engines end; as `EngineSupervisor.unload`."""
        self._of(name)
        await self._supervisor.ask("unload", name, force)

    async def replace(self, name: str, weights: str) -> AsyncGenerator[Loading, None]:
        """Put other weights in a model's place; as `EngineSupervisor.replace`."""
        self._of(name)
        asking = self._supervisor.stream(self._supervisor.new_number(), "replace", name, weights)
        async with contextlib.aclosing(asking) as steps:
            async for said in steps:
                if isinstance(said, list):
                    yield _loading(said)

    async def changed(self) -> None:
        """Wait until something of a state changes."""
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    # ── places that are asked for ────────────────────────────────────────────────────────────────────────────────

    def _ask(self, name: str, what: str, *arguments: object) -> Place:
        asking = _Asking(self._supervisor.new_number())

        def give_back() -> None:
            if asking.task is not None:
                asking.task.cancel()
            self._supervisor.tell("leave", asking.number)

        place = Place(give_back)
        place.tell(Loading(Target(TargetKind.LOCAL, name), 0.0, self._states[name].stage or LOADING))
        asking.task = self._spawn(self._bring(place, asking, name, what, arguments), f"place {asking.number}")
        return place

    async def _bring(self, place: Place, asking: _Asking, name: str, what: str, arguments: tuple[object, ...]) -> None:
        """Bring news of a place to whoever waits for it, and in the end the engine or the reason."""
        try:
            for _ in range(TRIES_MAX):
                engine = await self._answered(place, asking.number, what, arguments)
                if what != "place":
                    place.give(None, engine)
                    return
                if (client := await self._connected(name, engine)) is not None:
                    place.give(client, engine)
                    return
                # It died between the supervisor's word and ours.
                self._supervisor.tell("leave", asking.number)
                asking.number = self._supervisor.new_number()
            place.refuse(errors.Unavailable("The engine died. Try again.", reason="engine_died", retry_after_ms=1000))
        except errors.RingfenceError as error:
            place.refuse(error)

    async def _answered(self, place: Place, number: int, what: str, arguments: tuple[object, ...]) -> int:
        """The number of the engine that the supervisor gives; what it tells meanwhile goes to the place."""
        engine = 0
        async with contextlib.aclosing(self._supervisor.stream(number, what, *arguments)) as steps:
            async for said in steps:
                if isinstance(said, list):
                    place.tell(_loading(said))
                else:
                    engine = said or 0
        return engine

    async def _connected(self, name: str, number: int) -> EngineClient | None:
        """The connection to an engine that the supervisor calls ready; None where it is not any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                while not self._is_connected(number):
                    status = self._states[name]
                    if number not in status.ready:
                        return None
                    if number not in self._following:
                        self._follow(status, number)
                    await self.changed()
                return self._clients[number]
        return None

    # ── engines that are ready ───────────────────────────────────────────────────────────────────────────────────

    def _on_status(self, said: dict[str, Any]) -> None:
        status = EngineStatus.from_json(said)
        if status.name in self._states:
            self._states[status.name] = status
            self._follow_ready()
            self._told()

    def _follow_ready(self) -> None:
        for status in self._states.values():
            for number in status.ready:
                if number not in self._following:
                    self._follow(status, number)

    def _follow(self, status: EngineStatus, number: int) -> None:
        pid = dict(zip(status.ready, status.ready_pids, strict=False)).get(number)
        if self._group is not None and pid is not None:  # who must listen there is not known: nothing is sent
            self._following.add(number)
            self._spawn(self._keep(status.name, number, pid), f"engine {number} of {status.name}")

    async def _keep(self, name: str, number: int, pid: int) -> None:
        """Stay connected to an engine while the supervisor calls it ready, and until what runs in it has ended."""
        path = socket_path(self._socket_dir, name, number)
        try:
            while True:
                client = await self._connect(name, path, pid)
                if client is None:
                    return
                self._clients[number] = client
                self._told()
                try:
                    await client.wait_closed()
                finally:
                    del self._clients[number]
                    client.close()
                    self._told()
                if not path.exists():
                    return
        finally:
            self._following.discard(number)

    async def _connect(self, name: str, path: Path, pid: int) -> EngineClient | None:
        try:
            async with asyncio.timeout(CONNECT_S):
                return await connect_when_ready(path, self._specs[name], pid)
        except TimeoutError:
            return None
        except WrongListener:
            _LOG.error("engine_socket_taken", extra={"fields": {"model": name, "pid": pid}})
            return None

    def _best(self, name: str) -> int | None:
        """The engine of a model that has the fewest of this process's requests; None where none is ready."""
        status = self._states.get(name)
        ready = [number for number in status.ready if self._is_connected(number)] if status is not None else []
        return min(ready, key=lambda number: self._clients[number].running, default=None)

    def _is_connected(self, number: int) -> bool:
        client = self._clients.get(number)
        return client is not None and not client.is_closed

    def _told(self) -> None:
        self.changes += 1
        news, self._news = self._news, None
        if news is not None:
            news.set_result(None)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        if self._group is None:
            work.close()
            raise errors.Unavailable("The daemon is about to end. Try again in a moment.", retry_after_ms=1000)
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _of(self, name: str) -> EngineSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise errors.NotFound("there is no such model", model=name, suggestions=tuple(sorted(self._specs)))
        return spec


class _Asking:
    """A question to the supervisor, which may be put again under another number."""

    __slots__ = ("number", "task")

    def __init__(self, number: int) -> None:
        self.number = number
        self.task: asyncio.Task[None] | None = None


def _loading(said: list[Any]) -> Loading:
    model, progress, stage, left_ms = said
    return Loading(Target(TargetKind.LOCAL, model), progress, stage, left_ms)
