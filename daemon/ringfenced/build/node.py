"""What there is once in a node, however many workers serve: had by one process, reached by the others."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfenced.build import clock, keys
from ringfenced.build.lasting import meanwhile
from ringfenced.build.learning import taught
from ringfenced.config import Config
from ringfenced.device import DeviceFacts
from ringfenced.devices.host import HostReader
from ringfenced.devices.inventory import Gpus, Inventory
from ringfenced.engines.attach import AttachedEngines
from ringfenced.engines.cgroup import EngineCgroups
from ringfenced.engines.replica import Surroundings
from ringfenced.engines.supervisor import EngineSupervisor
from ringfenced.nouns import Ledger, Memory
from ringfenced.schedule.budget import Reserves, budget
from ringfenced.site.hosting import attached_specs, engine_specs, other_weights
from ringfenced.store.alone import alone
from ringfenced.store.ledger import SqliteLedger
from ringfenced.store.link import Link, serve_link
from ringfenced.store.link_lessons import Lessons, LinkedLessons
from ringfenced.store.memory import LabelMemory

MICROCREDITS: Final = 1_000_000
"""A credit in microcredits."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What there is once in a node, however many workers serve."""

    ledger: Ledger
    memory: Memory
    ledger_failure: Callable[[], str]
    devices: Inventory
    lessons: Lessons | None
    """Who keeps what came of requests; None where nothing is learned."""


def prepare(config: Config) -> None:
    """Make the folders that the daemon writes to, for this user alone, and the one that callers find its socket in."""
    for folder in (config.state, config.runtime_folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if config.listen.unix is not None:
        config.listen.unix.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    keys.prepare(config)


@asynccontextmanager
async def supervising(config: Config) -> AsyncIterator[tuple[EngineSupervisor, Shared]]:
    """The node's own things: engine processes, wallets, memory. They end with the context.

    Raises:
        OSError: another daemon uses the folder of state, or that of the sockets, whose engines this one would take.
        sqlite3.Error: what is there is no ledger.
    """
    reserves = Reserves(
        host_bytes_max=config.placement.memory_bytes,
        host_reserve_bytes=config.placement.reserve_bytes,
        device_reserve_bytes=config.placement.device_reserve_bytes,
    )
    with alone(config.runtime_folder / "lock"), closing(_ledger(config)) as ledger, _devices() as devices:
        placeable = await _placeable(config, devices)
        specs = await asyncio.to_thread(engine_specs, config, placeable())  # a model that is new is read whole
        engines = EngineSupervisor(
            specs,
            socket_dir=config.runtime_folder,
            budget=lambda taken: budget(placeable(), taken, reserves),
            around=Surroundings(cgroups=EngineCgroups.delegated()),
            weights=other_weights(config, placeable),
        )
        async with meanwhile(engines.run()), taught(config) as lessons:
            yield engines, Shared(ledger, LabelMemory(time.monotonic), lambda: ledger.failure, devices, lessons)


@asynccontextmanager
async def linked(
    config: Config,
    engines: EngineSupervisor,
    shared: Shared,
    *,
    on_ready: Callable[[int], None],
    on_alive: Callable[[int], None],
    is_worker: Callable[[int], bool],
) -> AsyncIterator[None]:
    """Serve wallets, memory and models to worker processes; hear of those that serve and are alive."""
    async with serve_link(
        _link_path(config),
        *(shared.ledger, shared.memory, shared.ledger_failure, on_ready),
        is_worker=is_worker,
        on_alive=on_alive,
        hosting=engines,
        lessons=shared.lessons,
    ):
        yield


@asynccontextmanager
async def attached(config: Config) -> AsyncIterator[tuple[AttachedEngines, Shared, Link]]:
    """A worker process's view of the node's own things."""
    async with Link.open(_link_path(config), os.getppid()) as link:
        engines = AttachedEngines(attached_specs(config), socket_dir=config.runtime_folder, supervisor=link)
        async with meanwhile(engines.run()):
            with _devices() as devices:
                lessons = LinkedLessons(link) if config.routing.learn else None
                yield engines, Shared(link, link, lambda: link.ledger_failure, devices, lessons), link


def _ledger(config: Config) -> SqliteLedger:
    grants = {department.name: department.grant_credits * MICROCREDITS for department in config.departments}
    return SqliteLedger(config.state / "ledger.sqlite3", grants, clock.unix_ms)


def _link_path(config: Config) -> Path:
    """Where the supervisor serves its workers."""
    return config.runtime_folder / "link.sock"


@contextmanager
def _devices() -> Iterator[Inventory]:
    """The devices of this node; nothing is read, nor NVML's binding imported, before somebody asks."""

    def gpus() -> Gpus:
        from ringfenced.devices.nvml import GpuReader  # noqa: PLC0415 - 2 MB that a process without questions saves

        return GpuReader(time.monotonic)

    with closing(Inventory(HostReader, gpus, time.monotonic)) as devices:
        yield devices


async def _placeable(config: Config, devices: Inventory) -> Callable[[], tuple[DeviceFacts, ...]]:
    """What models can be placed on; GPUs are asked for only where a model may use one."""
    if not any(model.gpu_layers or model.engine == "vllm" for model in config.models):
        reader = HostReader()
        return lambda: (reader.sample(),)
    await devices.fresh()
    return devices.inventory
