"""A whole site for journeys: the real daemon, the real agent, a scripted engine, a stand-in provider that echoes.

Every process is a real one, every connection real TLS; only the model and the provider are scripted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fakes import provider as standin
from fakes.agent import folder as agent_folder
from fakes.archive import archived
from fakes.enclosed import lacking
from ringfence.client import AsyncClient, RingfenceCallError
from ringfence.tls import Identity

START_S = 90.0

Launcher = Callable[[str], Sequence[str]]
"""The name of a process, daemon or agent, to a command that becomes it; empty for none."""


def unwell(health):
    """Names of the checks that failed, but for walls that this machine's kernel does not have."""
    return [check.name for check in health.checks if not check.ok and not (check.name == "confinement" and lacking())]


DAEMON = """
node = "journey"
state = "state"
workers = {workers}
drain_seconds_max = 5.0

[listen]
tcp = "localhost:{port}"
unix = "daemon.sock"
health = "127.0.0.1:{health}"
tls = {{ ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }}

[streams]
coalesce_ms = {coalesce_ms}

[[departments]]
name = "ward"
grant_credits = {grant_credits}
[[departments]]
name = "poor"
grant_credits = 0

[[callers]]
identity = "spiffe://ringfence.local/caller/ward"
department = "ward"
[[callers]]
identity = "spiffe://ringfence.local/caller/billing"
department = "poor"
[[callers]]
identity = "spiffe://ringfence.local/operator/dev"
department = "ward"
roles = ["operator"]
[[callers]]
identity = "spiffe://ringfence.local/auditor/dev"
department = "ward"
roles = ["auditor"]

[[models]]
name = "house"
{house}
quality = 0.6
price = {{ prompt_microcredits_per_1k = 20, completion_microcredits_per_1k = {token_price} }}
speed = {{ first_token_ms = 5, token_ms = 1 }}

[[providers]]
name = "cloud"
region = "eu"
clearance = {{ level = "INTERNAL" }}
[[providers.models]]
name = "gpt"
quality = 0.95
price = {{ prompt_microcredits_per_1k = 2500, completion_microcredits_per_1k = 10000 }}
speed = {{ first_token_ms = 20, token_ms = 1 }}

[agent]
target = "unix:{folder}/agent.sock"
tls = {{ ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }}
permit_key = "permit.key"
permit_key_id = "permit"
log_public_key = "log.pub"
log_origin = "site.example/egress"
"""

SCRIPTED = """\
engine = "command"
command = ["{python}", "-P", "-m", "ringfenced.engines.scripted", "--interval-ms", "2", "--sequences", "{sequences}"]
context_tokens = 4096
logprob_floor = -1.0
"""
"""What runs the house's model, unless a journey says otherwise."""


@dataclass
class Site:
    """Everything stands and answers."""

    folder: Path
    port: int
    health_port: int
    provider: standin.StandInProvider
    agent: asyncio.subprocess.Process
    daemon: asyncio.subprocess.Process
    agent_file: Path
    clients: list[AsyncClient] = field(default_factory=list)
    launcher: Launcher = lambda _name: ()

    def client(self, name="caller-ward", target=""):
        """A client with the certificate of `name`."""
        files = Identity(self.folder / f"{name}.pem", self.folder / f"{name}.key", self.folder / "ca.pem")
        client = AsyncClient(target or f"localhost:{self.port}", files)
        self.clients.append(client)
        return client

    def lines(self):
        """What the daemon logged."""
        return (self.folder / "daemon.log").read_text().splitlines()

    def entries(self):
        """The egress log's entries."""
        return [
            json.loads(line)
            for path in sorted((self.folder / "log").glob("entries-*"))
            for line in path.read_bytes().splitlines()
        ]

    async def well(self):
        """Wait until every check is well that can be here."""
        deadline_s = asyncio.get_running_loop().time() + START_S
        async with self.client("operator") as client:
            while True:
                try:
                    if not unwell(await client.health()):
                        return
                except RingfenceCallError:
                    pass
                assert asyncio.get_running_loop().time() < deadline_s, "\n".join(self.lines()[-20:])
                await asyncio.sleep(0.05)

    async def start_agent(self):
        """Start the agent again."""
        self.agent = await _spawn(self.folder, "agent", "ringfence_agent", self.agent_file, self.launcher)

    async def start_daemon(self):
        """Start the daemon again."""
        self.daemon = await _spawn(self.folder, "daemon", "ringfenced", self.folder / "daemon.toml", self.launcher)


def echo(provider):
    """Let the provider say again what it was asked, word by word."""

    def on_request(body):
        content = json.loads(body)["messages"][-1]["content"]
        text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
        words = [word + " " for word in text.split(" ")]
        words[-1] = words[-1][:-1]
        provider.script[:] = [standin.answer(*words, prompt_tokens=len(words), completion_tokens=len(words))]

    provider.on_request = on_request


@contextlib.asynccontextmanager
async def site(
    folder: Path,
    *,
    workers=1,
    coalesce_ms=0,
    sequences=8,
    token_price=60,
    house=SCRIPTED,
    grant_credits=1,
    extra="",
    agent_extra="",
    launcher: Launcher = lambda _name: (),
):
    """Start everything; when left, nothing of it runs.

    `house` says what runs the house's model, `extra` ends the daemon's file, `agent_extra` the agent's; `launcher` is
    asked each time that one of them starts.
    """
    async with contextlib.AsyncExitStack() as stack:
        file = agent_folder(folder, "https://localhost:1/v1")
        provider = await stack.enter_async_context(standin.StandInProvider(folder))
        file = archived(agent_folder(folder, provider.base_url))
        file.write_text(file.read_text() + agent_extra)
        echo(provider)
        values = {
            "folder": folder,
            "port": free_port(),
            "health": free_port(),
            "house": house.format(python=sys.executable, sequences=sequences),
            "workers": workers,
            "coalesce_ms": coalesce_ms,
            "token_price": token_price,
            "grant_credits": grant_credits,
        }
        (folder / "daemon.toml").write_text(DAEMON.format(**values) + extra)
        agent = await _spawn(folder, "agent", "ringfence_agent", file, launcher)
        daemon = await _spawn(folder, "daemon", "ringfenced", folder / "daemon.toml", launcher)
        made = Site(folder, values["port"], values["health"], provider, agent, daemon, file, launcher=launcher)
        try:
            await made.well()
            yield made
        finally:
            for client in made.clients:
                await client.close()
            if made.daemon.returncode is not None:  # nobody told it to: pytest shows this where a test failed
                print(f"the daemon ended with {made.daemon.returncode}:", *made.lines()[-20:], sep="\n")  # noqa: T201 - likewise
            await _end(made.daemon)
            await _end(made.agent)


def free_port():
    """A port that was free a moment ago."""
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


async def _spawn(folder, name, module, config, launcher: Launcher = lambda _name: ()):
    command = (*launcher(name), sys.executable, "-P", "-m", module, "--config", str(config))
    with (folder / f"{name}.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)


async def _end(process):
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
