"""The composition root: the only place that wires verbs and nouns, and that knows how many processes serve.

workers = 1   one process: supervisor (engines, wallets, memory) and worker (flow, services) share it
workers = N   this process supervises and serves nothing; N children run flow and services, attach to the engines'
              sockets, and reach wallets and memory over the link (`store.link`)
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import random
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from ringfence.configfile import ConfigError
from ringfence.recognize import Recogniser
from ringfence.recognize.custom import CustomError, check_custom
from ringfence.recognize.plugins import Ask, PluginUnavailable
from ringfence.recognize.site import load_site
from ringfence.renewal import CertificateError, Certificates, Identity
from ringfence.watchdog import Pulse
from ringfenced import identify, policyfile
from ringfenced.api.decode import Limits
from ringfenced.api.server import Bound, Endpoint, Served, serving
from ringfenced.build_learning import SALT_BYTES, learning, taught
from ringfenced.config import Agent, Config, Tls
from ringfenced.device import DeviceFacts
from ringfenced.devices.host import HostReader
from ringfenced.devices.inventory import Gpus, Inventory
from ringfenced.egress import AgentClient, AgentSettings, EgressLog, connect
from ringfenced.engines.attach import AttachedEngines
from ringfenced.engines.cgroup import EngineCgroups
from ringfenced.engines.replica import Surroundings
from ringfenced.engines.supervisor import EngineSupervisor
from ringfenced.flow import Flow
from ringfenced.identify import PSEUDONYM_KEY_BYTES
from ringfenced.model import HealthCheck
from ringfenced.nouns import Ledger, Memory, World
from ringfenced.schedule.budget import Reserves, budget
from ringfenced.site.alive import deciding, whose
from ringfenced.site.asking import LocalReaders
from ringfenced.site.breakers import Breakers
from ringfenced.site.cleantexts import KEY_BYTES, CleanTexts
from ringfenced.site.directory import SiteDirectory
from ringfenced.site.evaluators import evaluating
from ringfenced.site.exits import AgentExits, NoExits
from ringfenced.site.hosting import attached_specs, engine_specs, other_weights
from ringfenced.site.node import SiteNode
from ringfenced.site.outlook import MeasuredOutlook
from ringfenced.site.policies import SitePolicies
from ringfenced.site.scanning import Scanner
from ringfenced.site.verifying import verifying
from ringfenced.store.alone import alone
from ringfenced.store.decisions import DecisionFiles
from ringfenced.store.ledger import SqliteLedger
from ringfenced.store.link import Link, serve_link
from ringfenced.store.link_lessons import Lessons, LinkedLessons
from ringfenced.store.memory import LabelMemory
from ringfenced.telemetry.log import LineBuffer
from ringfenced.telemetry.recorder import CanonicalRecorder, Metrics

_LOG = logging.getLogger("ringfenced")

MICROCREDITS = 1_000_000
"""A credit in microcredits."""


@dataclass(frozen=True, slots=True)
class Reload:
    """How a process is told to read the policy's files again, and tells that it has."""

    asked: asyncio.Event
    """Set by whoever wants it."""
    done: Callable[[str], None]
    """Called afterwards, with nothing or with why the policy before stays."""


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
    _make_key(_pseudonym_key_path(config), PSEUDONYM_KEY_BYTES)
    if config.routing.learn:
        _make_key(_salt_path(config), SALT_BYTES)


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
        async with _meanwhile(engines.run()), taught(config) as lessons:
            yield engines, Shared(ledger, LabelMemory(time.monotonic), lambda: ledger.failure, devices, lessons)


def _ledger(config: Config) -> SqliteLedger:
    grants = {department.name: department.grant_credits * MICROCREDITS for department in config.departments}
    return SqliteLedger(config.state / "ledger.sqlite3", grants, _unix_ms)


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
        link_path(config),
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
    async with Link.open(link_path(config), os.getppid()) as link:
        engines = AttachedEngines(attached_specs(config), socket_dir=config.runtime_folder, supervisor=link)
        async with _meanwhile(engines.run()):
            with _devices() as devices:
                lessons = LinkedLessons(link) if config.routing.learn else None
                yield engines, Shared(link, link, lambda: link.ledger_failure, devices, lessons), link


@asynccontextmanager
async def working(
    config: Config,
    engines: EngineSupervisor | AttachedEngines,
    shared: Shared,
    *,
    worker: int | None,
    reload: Reload,
    pulse: Pulse,
    confined: HealthCheck,
) -> AsyncIterator[Bound]:
    """Flow and services. Serving when entered; when left, running requests get a grace to end.

    Args:
        config: the file.
        engines: where local models run.
        shared: wallets and memory.
        worker: which of several worker processes this is; None if it is the only one.
        reload: how it is told that the policy's file is to be read again.
        pulse: how it shows that it is alive, once it serves.
        confined: how this process is shut in.

    Raises:
        ConfigError: a file that the configuration names cannot be used.
    """
    async with AsyncExitStack() as stack:
        readers = LocalReaders(asyncio.get_running_loop(), engines, config.models, secrets.token_bytes)
        recogniser = await asyncio.to_thread(recogniser_of, config, readers.ask)
        waits = bool(config.classification.plugins)
        clean = None if waits else CleanTexts(secrets.token_bytes(KEY_BYTES))  # plug-ins may change their mind
        scanning = stack.enter_context(closing(Scanner(recogniser.scan, waits=waits, clean=clean)))
        pseudonym = _pseudonym(_pseudonym_key_path(config))
        closed = NoExits()
        exits: AgentExits | NoExits = closed
        egress: AgentClient | NoExits = closed
        log: EgressLog | NoExits = closed
        if config.agent is not None:
            client = await stack.enter_async_context(
                connect(
                    _agent_settings(config, config.agent),
                    unix_ms=_unix_ms,
                    monotonic_s=time.monotonic,
                    entropy=secrets.token_bytes,
                )
            )
            egress, log, exits = client, client.log, AgentExits(client, _unix_ms)
            await exits.ask()
            await stack.enter_async_context(_meanwhile(client.run(), exits.run()))
        lines = LineBuffer(sys.stderr) if config.telemetry.request_lines else None
        if lines is not None:
            stack.callback(lines.flush)
        decisions = _decisions(config, pseudonym, worker)
        if decisions is not None:
            stack.callback(decisions.close)
        metrics = _metrics(config, worker)
        salt = _read_key(_salt_path(config), SALT_BYTES) if config.routing.learn else b""
        learned = await stack.enter_async_context(learning(config, shared.lessons, pseudonym, salt, engines))
        directory = SiteDirectory(config, engines, exits, shared.ledger_failure)
        judges = await stack.enter_async_context(
            evaluating(
                config,
                directory,
                certificates=_certificates,
                entropy=secrets.token_bytes,
                clock=time.monotonic,
                count=metrics.count_evaluation if metrics is not None else lambda _name, _outcome: None,
                verify=await asyncio.to_thread(verifying, learned.verifier, salt),
            )
        )
        policies = await asyncio.to_thread(SitePolicies, config, directory.offers, _unix_ms)
        await stack.enter_async_context(_meanwhile(policies.run(reload.asked, reload.done)))
        outlook = MeasuredOutlook(Breakers(time.monotonic, random.random), time.monotonic)
        if metrics is not None:
            metrics.show_targets(outlook.measured, outlook.left_alone, outlook.opened)
        flow = Flow(
            directory=directory,
            outlook=outlook,
            scanning=scanning,
            policy=recogniser.policy,
            policies=policies,
            learning=learned.learning,
            evaluating=judges,
            ledger=shared.ledger,
            egress=egress,
            memory=shared.memory,
            recorder=CanonicalRecorder(metrics, lines, _unix_ms, None if decisions is None else decisions.add),
            world=World(time.monotonic, _unix_ms, secrets.token_bytes, pseudonym, learned.draw),
            hedge_after_s=config.routing.hedge_after_ms / 1000,
        )
        if metrics is not None:
            metrics.running.set_function(flow.running)
            metrics.count_allowed(recogniser.allowed)
            metrics.show_routing(learned.now)
            if not worker:  # what the node is is told once
                metrics.show_devices(shared.devices.inventory, platform.node())
        node = SiteNode(
            name=config.node,
            started_unix_s=int(time.time()),
            directory=directory,
            measured=outlook.with_measured,
            devices=shared.devices.fresh,
            exits=exits,
            ledger_failure=shared.ledger_failure,
            policies=policies,
            state=config.state,
            has_agent=config.agent is not None,
            confined=confined,
            learned=learned.qualities,
            trouble=shared.lessons.trouble if shared.lessons is not None else None,
        )
        departments = tuple(department.name for department in config.departments)
        limits = Limits(seconds_max=config.listen.request_seconds_max)
        served = Served(
            *(flow, directory, shared.ledger, node, shared.devices, log, exits, pseudonym),
            *(lambda: departments, limits, egress),
            hosting=engines,
            policies=policies,
            teaching=learned.teaching,
        )
        bound = await stack.enter_async_context(serving(served, _endpoint(config, worker)))
        alive = deciding(flow.plan, whose(config.callers_by_identity().values()))
        await stack.enter_async_context(_meanwhile(pulse.beat(alive)))
        yield bound


def recogniser_of(config: Config, ask: Ask | None) -> Recogniser:
    """What the node finds: what ships, the policy's table, and the site's own recognisers.

    Args:
        config: the file.
        ask: how a model of this node is asked.

    Raises:
        ConfigError: one of the site's own files is wrong, or a plug-in cannot be loaded.
    """
    site = config.classification
    try:
        return load_site(config.state / "cache", site.policy(), site.custom(), site.others(), ask)
    except (CustomError, PluginUnavailable) as error:
        raise ConfigError(str(error)) from error


def check_files(config: Config) -> tuple[str, tuple[str, ...]]:
    """Read and check the site's own patterns, lists and policy; start and write nothing that only serving needs.

    Plug-ins are not loaded: that their folders are there was seen when the file was read.

    Returns:
        SHA-256 of the policy that would be in force, hex; and what of it is probably not meant, with file and line.

    Raises:
        ConfigError: with file, line and what to write instead, for each problem.
    """
    try:
        check_custom(config.classification.custom())
    except CustomError as error:
        raise ConfigError(str(error)) from error
    book = policyfile.load(config, _unix_ms())
    return book.digest, tuple(f"{place}: {what}" for place, what in policyfile.doubts_of(config, book))


def link_path(config: Config) -> Path:
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


def _endpoint(config: Config, worker: int | None) -> Endpoint:
    listen = config.listen
    is_first = not worker
    return Endpoint(
        tcp=listen.tcp,
        unix=listen.unix if is_first else None,  # a unix socket has one listener
        health=listen.health if is_first else "",
        certificates=_certificates(listen.tls, "listen.tls"),
        key_exchange_groups=frozenset[str](listen.key_exchange_groups),
        message_bytes_max=listen.message_bytes_max,
        calls_max=listen.calls_max,
        is_shared=worker is not None,
        drain_s=config.drain_seconds_max,
    )


def _certificates(files: Tls, setting: str) -> Certificates:
    """Certificates that are renewed while the daemon runs.

    Raises:
        OSError: a file cannot be read.
        ConfigError: the files do not fit together.
    """

    def told(why: str) -> None:
        if why:
            problem = f"{why}; those read before stay in use"
            _LOG.error("certificates_kept", extra={"fields": {"setting": setting, "problem": problem}})
        else:
            _LOG.info("certificates_renewed", extra={"fields": {"setting": setting}})

    try:
        return Certificates.settled(Identity(certificate=files.cert, key=files.key, authority=files.ca), told)
    except CertificateError as error:
        raise ConfigError(f"{setting}: {error}") from None


def _agent_settings(config: Config, agent: Agent) -> AgentSettings:
    return AgentSettings(
        target=agent.target,
        server_name=agent.server_name,
        certificates=_certificates(agent.tls, "agent.tls"),
        key_exchange_groups=frozenset[str](agent.key_exchange_groups),
        permit_key=agent.permit_key,
        permit_key_id=agent.permit_key_id,
        log_origin=agent.log_origin,
        log_public_key=agent.log_public_key,
        checkpoint_file=config.state / "witnessed.checkpoint",
        witness_name=agent.witness_name,
        witness_keys=agent.witness_keys,
    )


def _metrics(config: Config, worker: int | None) -> Metrics | None:
    telemetry = config.telemetry
    if not telemetry.metrics:
        return None
    registry = CollectorRegistry()
    if telemetry.metrics_listen:
        host, _, port = telemetry.metrics_listen.rpartition(":")
        start_http_server(int(port) + (worker or 0), host.strip("[]") or "127.0.0.1", registry)
    return Metrics(registry)


def _decisions(config: Config, pseudonym: Callable[[str], str], worker: int | None) -> DecisionFiles | None:
    """Where decisions are kept; each worker writes files of its own, and the limit is for all together."""
    bytes_max = config.routing.keep_decisions_mb * 1024 * 1024 // (config.workers if worker is not None else 1)
    if not bytes_max:
        return None
    return DecisionFiles(config.state / "decisions", str(worker or 0), bytes_max, pseudonym)


def _pseudonym_key_path(config: Config) -> Path:
    return config.state / "pseudonym.key"


def _salt_path(config: Config) -> Path:
    return config.state / "learning.salt"


def _make_key(path: Path, length: int) -> None:
    """Make a key of so many random bytes, once for the node's life."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(length))
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)


def _pseudonym(path: Path) -> Callable[[str], str]:
    """Identity to pseudonym, keyed by a secret that stays on this node, so that the agent never learns an identity.

    Raises:
        OSError: the key cannot be read, or is none: pseudonyms under a short key could be guessed.
    """
    key = _read_key(path, PSEUDONYM_KEY_BYTES)
    return lru_cache(maxsize=1024)(partial(identify.pseudonym, key))  # the same callers ask again and again


def _read_key(path: Path, length: int) -> bytes:
    """A key that `_make_key` made.

    Raises:
        OSError: it cannot be read, or is none.
    """
    key = path.read_bytes()
    if len(key) != length:
        raise OSError(f"{path} is no key of {length} bytes; restore it, or remove it to have a new one made")
    return key


@asynccontextmanager
async def _meanwhile(*lasting: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run what lasts as long as the context, and end it with the context."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(coroutine) for coroutine in lasting]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
