"""Flow and services in one process: the only worker of a node, or one of several."""

from __future__ import annotations

import asyncio
import platform
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ringfence.watchdog import Pulse
from ringfenced.api.decode import Limits
from ringfenced.api.server import Bound, Served, serving
from ringfenced.build import clock, keys
from ringfenced.build.lasting import meanwhile
from ringfenced.build.learning import learning
from ringfenced.build.leaving import leaving
from ringfenced.build.listening import certificates, endpoint
from ringfenced.build.node import Shared
from ringfenced.build.scanning import recogniser_of, scanning
from ringfenced.build.telling import telling
from ringfenced.config import Config
from ringfenced.engines.attach import AttachedEngines
from ringfenced.engines.supervisor import EngineSupervisor
from ringfenced.flow import Flow
from ringfenced.model import HealthCheck
from ringfenced.nouns import World
from ringfenced.site.alive import deciding, whose
from ringfenced.site.asking import LocalReaders
from ringfenced.site.breakers import Breakers
from ringfenced.site.directory import SiteDirectory
from ringfenced.site.evaluators import evaluating
from ringfenced.site.node import SiteNode
from ringfenced.site.outlook import MeasuredOutlook
from ringfenced.site.policies import SitePolicies
from ringfenced.site.verifying import verifying


@dataclass(frozen=True, slots=True)
class Reload:
    """How a process is told to read the policy's files again, and tells that it has."""

    asked: asyncio.Event
    """Set by whoever wants it."""
    done: Callable[[str], None]
    """Called afterwards, with nothing or with why the policy before stays."""


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
    """Serving when entered; when left, running requests get a grace to end.

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
        scanner = stack.enter_context(scanning(config, recogniser))
        pseudonym, salt = keys.pseudonyms(config), keys.salt(config)
        out = await stack.enter_async_context(leaving(config))
        told = stack.enter_context(telling(config, pseudonym, worker))
        learned = await stack.enter_async_context(learning(config, shared.lessons, pseudonym, salt, engines))
        directory = SiteDirectory(config, engines, out.exits, shared.ledger_failure)
        judges = await stack.enter_async_context(
            evaluating(
                config,
                directory,
                certificates=certificates,
                entropy=secrets.token_bytes,
                clock=time.monotonic,
                count=told.count_evaluation,
                verify=await asyncio.to_thread(verifying, learned.verifier, salt),
            )
        )
        policies = await asyncio.to_thread(SitePolicies, config, directory.offers, clock.unix_ms)
        await stack.enter_async_context(meanwhile(policies.run(reload.asked, reload.done)))
        outlook = MeasuredOutlook(Breakers(time.monotonic, random.random), time.monotonic)
        flow = Flow(
            directory=directory,
            outlook=outlook,
            scanning=scanner,
            policy=recogniser.policy,
            policies=policies,
            learning=learned.learning,
            evaluating=judges,
            ledger=shared.ledger,
            egress=out.egress,
            memory=shared.memory,
            recorder=told.recorder,
            world=World(time.monotonic, clock.unix_ms, secrets.token_bytes, pseudonym, learned.draw),
            hedge_after_s=config.routing.hedge_after_ms / 1000,
        )
        if (metrics := told.metrics) is not None:
            metrics.show_targets(outlook.measured, outlook.left_alone, outlook.opened)
            metrics.running.set_function(flow.running)
            metrics.count_allowed(recogniser.allowed)
            metrics.show_routing(learned.now)
            if not worker:  # what the node is is told once
                metrics.show_devices(shared.devices.inventory, platform.node())
        node = SiteNode(
            name=config.node,
            started_unix_s=clock.unix_s(),
            directory=directory,
            measured=outlook.with_measured,
            devices=shared.devices.fresh,
            exits=out.exits,
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
            *(flow, directory, shared.ledger, node, shared.devices, out.log, out.exits, pseudonym),
            *(lambda: departments, limits, out.egress),
            hosting=engines,
            policies=policies,
            teaching=learned.teaching,
        )
        bound = await stack.enter_async_context(serving(served, endpoint(config, worker)))
        alive = deciding(flow.plan, whose(config.callers_by_identity().values()))
        await stack.enter_async_context(meanwhile(pulse.beat(alive)))
        yield bound
