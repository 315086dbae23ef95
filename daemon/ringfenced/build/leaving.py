"""The way out through the agent, or that there is none."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ringfenced.build import clock
from ringfenced.build.lasting import meanwhile
from ringfenced.build.listening import certificates
from ringfenced.config import Agent, Config
from ringfenced.egress import AgentClient, AgentSettings, EgressLog, connect
from ringfenced.site.exits import AgentExits, NoExits


@dataclass(frozen=True, slots=True)
class WayOut:
    """What a worker has of the agent; without one, each part refuses."""

    egress: AgentClient | NoExits
    """Sends, and changes keys."""
    log: EgressLog | NoExits
    """Reads the egress log."""
    exits: AgentExits | NoExits
    """What may be reached at present, and the emergency stop."""


@asynccontextmanager
async def leaving(config: Config) -> AsyncIterator[WayOut]:
    """Connect, ask once what may be reached, and keep both current while the context lasts.

    An agent that is away is no error: everything counts as closed until it answers.
    """
    if config.agent is None:
        closed = NoExits()
        yield WayOut(closed, closed, closed)
        return
    connecting = connect(
        _settings(config, config.agent),
        unix_ms=clock.unix_ms,
        monotonic_s=time.monotonic,
        entropy=secrets.token_bytes,
    )
    async with connecting as client:
        exits = AgentExits(client, clock.unix_ms)
        await exits.ask()
        async with meanwhile(client.run(), exits.run()):
            yield WayOut(client, client.log, exits)


def _settings(config: Config, agent: Agent) -> AgentSettings:
    return AgentSettings(
        target=agent.target,
        server_name=agent.server_name,
        certificates=certificates(agent.tls, "agent.tls"),
        key_exchange_groups=frozenset[str](agent.key_exchange_groups),
        permit_key=agent.permit_key,
        permit_key_id=agent.permit_key_id,
        log_origin=agent.log_origin,
        log_public_key=agent.log_public_key,
        checkpoint_file=config.state / "witnessed.checkpoint",
        witness_name=agent.witness_name,
        witness_keys=agent.witness_keys,
    )
