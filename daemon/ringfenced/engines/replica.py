"""One engine process from its start to its end: what a decision started, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ringfenced import errors
from ringfenced.engines.cgroup import EngineCgroups
from ringfenced.engines.client import EngineClient, WrongListener
from ringfenced.engines.launch import STOP_GRACE_S, EngineProcess, EngineSpec, EngineStartError
from ringfenced.engines.memory import process_bytes
from ringfenced.engines.progress import Progress
from ringfenced.schedule.placement_state import Engine
from ringfenced.weights.dryrun import HOST

POLL_S = 0.02
"""How often a loading engine's socket is tried; a try costs some 50 microseconds."""

HANG_S = 60.0
"""How long an engine with requests may take to answer a stranger, in seconds: longer than any one step. Reading a whole
batch of a prompt is one step, and takes a large model on a processor some ten seconds."""

MEASURE_S = 30.0
"""How often its memory is measured, in seconds."""


@dataclass(frozen=True, slots=True)
class End:
    """How an engine ended."""

    why: str
    """For people, with the last lines of its start; no content."""
    is_memory: bool = False
    """It ran out of memory while it loaded."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every engine of a node shares."""

    cgroups: EngineCgroups | None = None
    """Where their control groups are made; None for none."""
    hang_s: float = HANG_S
    """How long one with requests may take to answer."""


class Replica:
    """One engine process. Belongs to one event loop; `run` it once."""

    def __init__(
        self,
        engine: Engine,
        spec: EngineSpec,
        path: Path,
        around: Surroundings,
        *,
        on_change: Callable[[], None],
        is_busy: Callable[[], bool],
    ) -> None:
        """Prepare; nothing starts before `run`.

        Args:
            engine: what was decided.
            spec: its program.
            path: the socket that it shall listen on, in a folder that is made for it, and removed with it.
            around: what engines share.
            on_change: called when it got ready, and when its progress or its memory changed.
            is_busy: whether requests are in it.
        """
        self.engine = engine
        self.spec = spec
        self._path = path
        self._around = around
        self._on_change = on_change
        self._is_busy = is_busy
        self._process: EngineProcess | None = None
        self._stopping = asyncio.Event()
        self.client: EngineClient | None = None
        """The connection to a ready engine."""
        self.process_bytes: int | None = None
        """Memory of its processes as last measured."""
        self.loaded = False
        """Whether it ever was ready."""

    @property
    def pid(self) -> int | None:
        """Its process; None where there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def progress(self) -> Progress:
        """How far its loading is."""
        return self._process.progress if self._process is not None else Progress()

    def stop(self) -> None:
        """Let it end; requests in it end with `Unavailable` at once."""
        self._stopping.set()
        if self.client is not None:
            self.client.close(is_unloaded=True)

    def _bound(self) -> int | None:
        """Bytes of the node's own memory that it may take; None for no bound."""
        return self.engine.need.get(HOST) if self.spec.is_bounded else None

    async def run(self) -> End:
        """Start it, stay until it ends, is told to stop or hangs; nothing of it runs when this returns or raises."""
        await self._clear()  # an engine of a daemon that was killed may have left something
        try:
            self._path.parent.mkdir(mode=0o700)
        except OSError as error:
            return End(f"the folder of the engine's socket cannot be made: {error.strerror}")
        try:
            return await self._run()
        finally:
            await self._clear()

    async def _clear(self) -> None:
        """Remove its folder; in a thread, for an engine can leave much there."""
        await asyncio.to_thread(shutil.rmtree, self._path.parent, ignore_errors=True)

    async def _run(self) -> End:
        groups = self._around.cgroups
        number, spec = self.engine.number, _on_devices(self.spec, self.engine.need)
        try:
            process = EngineProcess.start(
                spec,
                self._path,
                context_tokens=self.engine.context_tokens,
                on_progress=self._on_change,
                cgroup=groups.make(number, self._bound()) if groups is not None else None,
            )
        except EngineStartError as error:
            return End(str(error))
        self._process = process
        try:
            return await self._live(process)
        finally:
            self.client = None
            await process.stop(grace_s=0.0)
            self._process = None

    async def _live(self, process: EngineProcess) -> End:
        async with asyncio.TaskGroup() as group:
            died = group.create_task(process.wait())
            stopping = group.create_task(self._stopping.wait())
            serving = group.create_task(self._serve(process))
            await asyncio.wait((died, stopping, serving), return_when=asyncio.FIRST_COMPLETED)
            if self.client is not None:
                self.client.close()  # requests in it are told at once, not after the process is gone
            fault = serving.result() if serving.done() else ""
            stopping.cancel()
            serving.cancel()
            await process.stop(grace_s=0.0 if fault else STOP_GRACE_S)
            if fault == _HANGS:
                return End("the engine did not answer any more and was killed")
            if fault == _TAKEN:
                return End("another process listens on the engine's socket; the engine was killed")
            why = process.describe_end(timed_out=fault == _NEVER_READY)
            return End(why, is_memory=process.ran_out_of_memory and not self.loaded)

    async def _serve(self, process: EngineProcess) -> str:
        """Connect once the engine listens and stay until the connection ends; what is wrong with it, if anything."""
        try:
            async with asyncio.timeout(self.spec.load_timeout_s):
                client = await connect_when_ready(self._path, self.spec, process.pid)
        except TimeoutError:
            return _NEVER_READY
        except WrongListener:
            return _TAKEN
        process.forget_lines()
        self.client = client
        self.loaded = True
        self._on_change()
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._watch(client, process.pid))
                measuring = group.create_task(self._measure(process.pid))
                await client.wait_closed()
                fault = watching.result() if watching.done() else ""
                watching.cancel()
                measuring.cancel()
                return fault
        finally:
            self.client = None
            client.close()
            self._on_change()

    async def _watch(self, client: EngineClient, pid: int) -> str:
        """See that an engine with requests answers a stranger; end its connection where it does not."""
        while True:
            await asyncio.sleep(self._around.hang_s / 2)
            if self._is_busy() and not await self._answers(pid):
                client.close()
                return _HANGS

    async def _answers(self, pid: int) -> bool:
        try:
            async with asyncio.timeout(self._around.hang_s):
                stranger = await EngineClient.connect(self._path, timeout_s=self._around.hang_s, session=pid)
        except (TimeoutError, WrongListener):  # another's answer says nothing of the engine
            return False
        except errors.Unavailable:
            return self.client is None  # it is gone, which is told elsewhere, or it hangs
        except OSError:
            return True  # it does not listen any more: it is about to end
        stranger.close()
        return True

    async def _measure(self, pid: int) -> None:
        while True:
            self.process_bytes = await asyncio.to_thread(process_bytes, pid)
            self._on_change()
            await asyncio.sleep(MEASURE_S)


def _on_devices(spec: EngineSpec, need: Mapping[str, int]) -> EngineSpec:
    """The program, shown no GPUs but those that it was placed on (CUDA's own names of them, which are NVML's)."""
    if not need:
        return spec
    visible = ",".join(device for device in need if device != HOST)
    return replace(spec, environment={"CUDA_VISIBLE_DEVICES": visible, **spec.environment})


_NEVER_READY = "never ready"
_HANGS = "hangs"
_TAKEN = "taken"


async def connect_when_ready(path: Path, spec: EngineSpec, pid: int) -> EngineClient:
    """Try a socket until an engine answers on it; the caller sets the limit on time.

    Raises:
        WrongListener: not the engine of that process listens there, nor what it started.
    """
    while True:
        with contextlib.suppress(OSError, errors.Unavailable):
            return await EngineClient.connect(path, model=spec.name, gather_ms=spec.gather_ms, session=pid)
        await asyncio.sleep(POLL_S)
