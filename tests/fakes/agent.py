"""A real agent for tests: its configuration over fresh certificates, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from fakes.certs import write_fresh
from ringfence.renewal import Certificates, Identity
from ringfence_agent import build, config
from ringfenced.egress import AgentClient, AgentSettings, connect
from ringfenced.model import Terms

ORIGIN = "site.example/egress"
DAEMON = "spiffe://ringfence.local/daemon"
ROOT = Path(__file__).parents[2]


def settings_text(folder: Path, base_url: str, **changes: str) -> str:
    """An agent's file; `changes` are whole lines of the provider's table."""
    provider = {"allow_private_addresses": "true", "clearance": '{ level = "INTERNAL" }', **changes}
    lines = "\n".join(f"{name} = {value}" for name, value in provider.items())
    return f"""
cache_directory = "cache"
drain_seconds_max = 1.0

[listen]
address = "unix:{folder}/agent.sock"
certificate = "agent.pem"
key = "agent.key"
authority = "ca.pem"

[daemon]
identities = ["{DAEMON}"]
permit_keys = {{ permit = "permit.pub" }}

[log]
directory = "log"
origin = "{ORIGIN}"
signing_key = "log.key"
salt_key = "salt.key"

[[providers]]
name = "cloud"
kind = "openai"
base_url = "{base_url}"
authority = "provider-ca.pem"
api_key_file = "api.key"
region = "eu"
contract = "DPA 2026-02"
models = {{ gpt = "gpt-5-mini-2026-01-02" }}
{lines}
"""


def folder(tmp_path: Path, base_url: str, **changes: str) -> Path:
    """A folder with everything that an agent and its daemon need; gives the agent's file."""
    if not (tmp_path / "ca.pem").exists():
        write_fresh(tmp_path)
        (tmp_path / "api.key").write_text("sk-test-key\n")
        (tmp_path / "api.key").chmod(0o400)
    file = tmp_path / "agent.toml"
    file.write_text(settings_text(tmp_path, base_url, **changes))
    return file


@contextlib.asynccontextmanager
async def agent(file: Path) -> AsyncIterator[None]:
    """The agent, in this process."""
    settings, digest = config.load(file)
    async with build.running(settings, digest, build.prepare(settings), structlog.get_logger()):
        yield


@dataclass
class AgentProcess:
    """The agent in a process of its own, and what it says."""

    process: subprocess.Popen[bytes]
    said: Path
    """Its stderr; a file, because a pipe that nobody reads would stop it."""

    def line(self, event: str) -> dict:
        """The first line about `event`; waits for it."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            for line in self.said.read_text().splitlines(keepends=True):
                if f'"event": "{event}"' in line and line.endswith("\n"):
                    return json.loads(line)
            time.sleep(0.01)
        raise AssertionError(self.said.read_text())


@contextlib.contextmanager
def agent_process(file: Path, *launcher: str) -> Iterator[AgentProcess]:
    """The agent, in a process of its own, listening; killed at the end. `launcher` is a command that becomes it."""
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "agent"))
    environment = {**os.environ, "PYTHONPATH": roots}
    command = [*launcher, sys.executable, "-m", "ringfence_agent", "--config", str(file)]
    said = file.parent / "agent.stderr"
    with said.open("wb") as stderr:
        process = subprocess.Popen(command, env=environment, stderr=stderr)
    running = AgentProcess(process, said)
    try:
        running.line("listening")
        yield running
    finally:
        process.kill()
        process.wait()


def daemon_identity(certs: Path) -> Identity:
    """The daemon's files."""
    return Identity(certs / "daemon.pem", certs / "daemon.key", certs / "ca.pem")


@contextlib.asynccontextmanager
async def client(
    certs: Path, state: Path | None = None, identity: Identity | None = None, **changes
) -> AsyncIterator[AgentClient]:
    """The daemon's side."""
    state = state or certs / "state"
    state.mkdir(exist_ok=True)
    settings = {
        "target": f"unix:{certs}/agent.sock",
        "server_name": "localhost",
        "certificates": Certificates(identity or daemon_identity(certs)),
        "permit_key": certs / "permit.key",
        "permit_key_id": "permit",
        "log_origin": ORIGIN,
        "log_public_key": certs / "log.pub",
        "checkpoint_file": state / "checkpoint",
        **changes,
    }
    clocks = {"unix_ms": lambda: time.time_ns() // 1_000_000, "monotonic_s": time.monotonic}
    async with connect(AgentSettings(**settings), **clocks, entropy=secrets.token_bytes) as agent_client:
        yield agent_client


def terms(**changes) -> Terms:
    """What a permit says besides the payload."""
    return Terms(
        **{
            "provider": "cloud",
            "model": "gpt",
            "caller_pseudonym": "c-1",
            "department": "ward",
            "request_id": secrets.token_hex(12),
            "findings_by_type": {"PERSON": 1},
            "decision_reason": "cheapest",
            "cost_microcredits_max": 10,
            **changes,
        }
    )


async def gather(stream) -> list:
    """Every event of a stream."""
    return [event async for event in stream]


async def until(condition, seconds=5.0) -> None:
    """Wait for something that happens soon."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - files and processes tell no event
            await asyncio.sleep(0.005)
