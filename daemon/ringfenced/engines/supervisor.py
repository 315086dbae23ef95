"""The engines of a node: started, watched, restarted with back-off, quarantined, ended.

`EngineSupervisor` owns the processes. A request worker that is a process of its own holds an `attach.AttachedEngines`
with the same `engine` and `states` instead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ringfenced import errors
from ringfenced.engines.client import EngineClient
from ringfenced.engines.launch import STOP_GRACE_S, EngineProcess, EngineSpec, EngineStartError, socket_path
from ringfenced.engines.restart import DEATHS_MAX, Quarantine, decide_restart
from ringfenced.engines.wire import Description

POLL_S = 0.02
"""How often a loading engine's socket is tried; a try costs some 50 microseconds."""


class EngineState(StrEnum):
    """Where a model stands; the words of `Models.ListModels`."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What is known of one model's engine."""

    name: str
    """The model."""
    engine: str
    """Its engine's kind, for example ``llama.cpp``."""
    state: EngineState
    """Where it stands."""
    failure: str = ""
    """Why it failed, for people, last lines of its start included; no content. It stays while a restart is tried."""
    description: Description | None = None
    """What it hosts; None unless it is ready."""
    running: int = 0
    """Requests of this daemon process in it, the engine's queue included."""
    deaths: int = 0
    """How often it died since the daemon started."""
    pid: int | None = None
    """Its process; None where there is none or it is another process's child."""


class EngineSupervisor:
    """Owns one engine process for each model. Belongs to one event loop."""

    def __init__(self, specs: Iterable[EngineSpec], *, socket_dir: Path) -> None:
        """Prepare; nothing starts before `run`.

        Args:
            specs: the models, names unique.
            socket_dir: folder for the sockets; made, with rights for this user only, where it is missing.
        """
        self._socket_dir = socket_dir
        self._slots = {spec.name: _Slot(spec, socket_path(socket_dir, spec.name)) for spec in specs}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep the engines running until `stop`, or until this is cancelled; no process is left either way."""
        self._socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(slot.run(), name=f"engine {name}") for name, slot in self._slots.items()]
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def stop(self) -> None:
        """End every engine; nothing of them runs when this returns."""
        self._stopping.set()
        for slot in self._slots.values():
            await slot.gone.wait()

    def engine(self, name: str) -> EngineClient | None:
        """Return the client of a model that is ready; None for every other."""
        slot = self._slots.get(name)
        return slot.client if slot is not None else None

    def states(self) -> Mapping[str, EngineStatus]:
        """Return where every model stands."""
        return {name: slot.status() for name, slot in self._slots.items()}

    def load(self, name: str) -> None:
        """Let a model be loaded, a quarantined one again; its state tells how that goes.

        Raises:
            NotFound: there is no such model.
        """
        self._slot(name).want()

    def unload(self, name: str) -> None:
        """Let a model's engine end; requests in it end with `Unavailable`.

        Raises:
            NotFound: there is no such model.
        """
        self._slot(name).unwant()

    def _slot(self, name: str) -> _Slot:
        slot = self._slots.get(name)
        if slot is None:
            raise errors.NotFound("there is no such model", model=name, suggestions=tuple(sorted(self._slots)))
        return slot


class _Slot:
    """One model's place: at most one process, and what became of those before."""

    def __init__(self, spec: EngineSpec, path: Path) -> None:
        self._spec = spec
        self._path = path
        self._wanted = asyncio.Event()
        self._unwanted = asyncio.Event()
        self._state = EngineState.UNLOADED
        self._failure = ""
        self._deaths_s: deque[float] = deque(maxlen=DEATHS_MAX)
        self._deaths = 0
        self._process: EngineProcess | None = None
        self.client: EngineClient | None = None
        """The connection to a ready engine."""
        self.gone = asyncio.Event()
        """Set while `run` does not run: no process is left."""
        self.gone.set()
        if spec.preload:
            self.want()
        else:
            self._unwanted.set()

    def want(self) -> None:
        """Load it; forgive earlier deaths."""
        self._deaths_s.clear()
        self._unwanted.clear()
        self._wanted.set()

    def unwant(self) -> None:
        """End it."""
        self._wanted.clear()
        self._unwanted.set()

    def status(self) -> EngineStatus:
        """Return where it stands."""
        client = self.client
        return EngineStatus(
            name=self._spec.name,
            engine=self._spec.kind,
            state=self._state,
            failure=self._failure,
            description=client.description if client is not None else None,
            running=client.running if client is not None else 0,
            deaths=self._deaths,
            pid=self._process.pid if self._process is not None else None,
        )

    async def run(self) -> None:
        """Load when wanted, restart after deaths, until cancelled."""
        self.gone.clear()
        try:
            while True:
                await self._wanted.wait()
                self._state = EngineState.LOADING
                failure = await self._live()
                if failure is None:
                    self._state, self._failure = EngineState.UNLOADED, ""
                else:
                    await self._after_death(failure)
        finally:
            self._state = EngineState.UNLOADED
            self.gone.set()

    async def _live(self) -> str | None:
        """Run one process to its end; return why it died, or None where it was not wanted any more."""
        try:
            process = EngineProcess.start(self._spec, self._path)
        except EngineStartError as error:
            return str(error)
        self._process = process
        try:
            async with asyncio.TaskGroup() as group:
                died = group.create_task(process.wait())
                unwanted = group.create_task(self._unwanted.wait())
                ready = group.create_task(self._serve(process))
                await asyncio.wait((died, unwanted, ready), return_when=asyncio.FIRST_COMPLETED)
                if self.client is not None:
                    self.client.close()  # requests in it are told at once, not after the process is gone
                is_wanted = not unwanted.done()
                timed_out = ready.done() and not ready.result()
                unwanted.cancel()
                ready.cancel()
                await process.stop(grace_s=0.0 if timed_out else STOP_GRACE_S)
                return process.describe_end(timed_out=timed_out) if is_wanted else None
        finally:
            self.client = None
            await process.stop(grace_s=0.0)
            self._process = None

    async def _serve(self, process: EngineProcess) -> bool:
        """Connect once the engine listens and stay until the connection ends; return False if it never listens."""
        try:
            async with asyncio.timeout(self._spec.load_timeout_s):
                client = await connect_when_ready(self._path, self._spec)
        except TimeoutError:
            return False
        process.forget_lines()
        self.client = client
        self._state, self._failure = EngineState.READY, ""
        try:
            await client.wait_closed()
        finally:
            self.client = None
            client.close()
        return True

    async def _after_death(self, failure: str) -> None:
        """Wait before the next try, or for an operator."""
        now_s = asyncio.get_running_loop().time()
        self._failure = failure
        self._state = EngineState.FAILED
        self._deaths += 1
        self._deaths_s.append(now_s)
        match decide_restart(self._deaths_s, now_s):
            case Quarantine(deaths):
                self._failure = f"quarantined after {deaths} deaths within a minute; load it again to retry\n{failure}"
                self._wanted.clear()
            case restart:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(restart.delay_s):
                        await self._unwanted.wait()


async def connect_when_ready(path: Path, spec: EngineSpec) -> EngineClient:
    """Try a socket until an engine answers on it; the caller sets the limit on time."""
    while True:
        try:
            return await EngineClient.connect(path, model=spec.name, gather_ms=spec.gather_ms)
        except (OSError, errors.Unavailable):
            await asyncio.sleep(POLL_S)
