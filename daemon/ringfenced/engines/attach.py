"""A request worker's view of engines that the node's supervisor process owns: it connects, and starts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from ringfenced.engines.client import EngineClient
from ringfenced.engines.launch import EngineSpec, socket_path
from ringfenced.engines.supervisor import EngineState, EngineStatus, connect_when_ready


class AttachedEngines:
    """One connection per engine, made again whenever the supervisor has restarted it."""

    def __init__(self, specs: Iterable[EngineSpec], *, socket_dir: Path) -> None:
        """Prepare; nothing is connected before `run`. The arguments are those of `EngineSupervisor`."""
        self._specs = {spec.name: spec for spec in specs}
        self._socket_dir = socket_dir
        self._clients: dict[str, EngineClient] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep connected until `stop` or until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._follow(name), name=f"engine {name}") for name in self._specs]
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def stop(self) -> None:
        """Let go of every engine; they go on."""
        self._stopping.set()

    def engine(self, name: str) -> EngineClient | None:
        """Return the client of a model that is ready; None for every other."""
        return self._clients.get(name)

    def states(self) -> Mapping[str, EngineStatus]:
        """Return where every model stands as far as this process can see: ready or not."""
        return {name: self._status(spec) for name, spec in self._specs.items()}

    def _status(self, spec: EngineSpec) -> EngineStatus:
        client = self._clients.get(spec.name)
        if client is None:
            return EngineStatus(name=spec.name, engine=spec.kind, state=EngineState.UNLOADED)
        return EngineStatus(
            name=spec.name,
            engine=spec.kind,
            state=EngineState.READY,
            description=client.description,
            running=client.running,
        )

    async def _follow(self, name: str) -> None:
        path = socket_path(self._socket_dir, name)
        while True:
            client = await connect_when_ready(path, self._specs[name])
            self._clients[name] = client
            try:
                await client.wait_closed()
            finally:
                del self._clients[name]
                client.close()
