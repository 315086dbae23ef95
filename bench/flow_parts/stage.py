"""Everything that is measured, started in a temporary folder: certificates, servers, engines, generator."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from flow_parts.lines import Helper
from flow_parts.process import Server
from flow_parts.scenarios import INTERVAL_MS
from ringfenced.cli import devcerts
from ringfenced.cli.devcerts_command import write
from ringfenced.config import Streams

BENCH = Path(__file__).resolve().parent.parent
CONNECTIONS = 8
"""Connections of the generator to each server."""

CONFIG = """\
node = "bench"
state = "{name}"
runtime = "{runtime}"
workers = {workers}

[listen]
tcp = "{address}"
tls = {{ ca = "certs/ca.pem", cert = "certs/daemon.pem", key = "certs/daemon.key" }}
key_exchange_groups = ["X25519MLKEM768", "X25519"] # h2load's relay speaks through Python's OpenSSL

[[departments]]
name = "ward"
grant_credits = 1000000000

[[callers]]
identity = "spiffe://ringfence.local/caller/ward"
department = "ward"
label_default = {{ level = "PUBLIC" }}

[[callers]]
identity = "spiffe://ringfence.local/operator/dev"
department = "ward"
roles = ["operator"]

[streams]
coalesce_ms = {coalesce_ms}

[telemetry]
request_lines = {observed}
metrics = {observed}
"""

MODEL = """
[[models]]
name = "{name}"
engine = "command"
command = ["{python}", "-m", "ringfenced.engines.scripted", "--interval-ms", "{interval_ms}"]
context_tokens = 131072
price = {{ prompt_microcredits_per_1k = 50, completion_microcredits_per_1k = 150 }}
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """One way to run Ringfence."""

    coalesce_ms: float
    """Least time between two messages of a stream."""
    observed: bool = True
    """Request lines and metrics."""
    workers: int = 1
    """Processes that serve."""
    engines: bool = True
    """Whether it hosts models."""

    def without_engines(self) -> Self:
        """The same, hosting nothing."""
        return replace(self, engines=False)


DAEMONS = {
    "one": Daemon(0),
    "coalesced": Daemon(Streams().coalesce_ms),
    "quiet": Daemon(0, observed=False),
    "two": Daemon(0, workers=2),
}
"""The daemons that are measured, by the name of their side."""


class Stage:
    """The folder and what runs from it; ends with the context."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Make the certificates."""
        self.folder = folder
        self.certs = folder / "certs"
        self._stack = stack
        write(self.certs, devcerts.make(datetime.now(UTC), timedelta(hours=6)), force=False)  # noqa: TID251 - TLS reads the real clock
        self.servers: dict[str, Server] = {}
        self.addresses: dict[str, str] = {}
        self.load = stack.enter_context(Helper(python("flow_parts.load", "--certs", str(self.certs))))

    def bare(self) -> Server:
        """Start the bare server and connect the generator to it."""
        address = free_address()
        return self._started("bare", self._bare(address), address)

    def hop(self) -> Server:
        """Start the bare server that gets its tokens from the two engines; they stand already."""
        address = free_address()
        return self._started("hop", [*self._bare(address), "--engines", str(self.folder)], address)

    def another_bare(self) -> Server:
        """Start one more that nobody calls; its context ends it."""
        return Server(self._bare(free_address()), self.folder, self.folder / "bare.log")

    def daemon(self, name: str, kind: Daemon, *, keep: bool = True) -> Server:
        """Start a daemon; with `keep`, connect the generator to it and wait until its engines are ready."""
        address = free_address()
        config = self.folder / f"{name}.toml"
        config.write_text(configuration(name, kind, address, self.folder / f"r-{name}"))
        argv = [sys.executable, "-P", "-m", "ringfenced", "--config", str(config)]
        if not keep:
            return Server(argv, self.folder, self.folder / f"{name}.log")
        server = self._started(name, argv, address)
        deadline = time.monotonic() + 30
        for scenario in ("unary", "paced"):
            while not self._answers(name, scenario):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{name} does not answer {scenario}")
                time.sleep(0.1)
        return server

    def engine(self, name: str, interval_ms: int) -> int:
        """Start a scripted engine by itself; its process."""
        path = self.folder / f"{name}.sock"
        process = subprocess.Popen(
            [*python("ringfenced.engines.scripted"), "--socket", str(path), "--interval-ms", str(interval_ms)]
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.terminate)
        while not path.exists():
            if process.poll() is not None:
                raise RuntimeError("the scripted engine does not start")
            time.sleep(0.02)
        return process.pid

    def driver(self) -> Helper:
        """A process that drives the two engines by themselves."""
        driver = self._stack.enter_context(Helper(python("flow_parts.alone")))
        for name in ("fast", "paced"):
            driver.ask("connect", target=name, path=str(self.folder / f"{name}.sock"))
        return driver

    def _bare(self, address: str) -> list[str]:
        return python("flow_parts.bare", "--address", address, "--certs", str(self.certs))

    def _started(self, name: str, argv: list[str], address: str) -> Server:
        server = self._stack.enter_context(Server(argv, self.folder, self.folder / f"{name}.log"))
        self.servers[name] = server
        self.addresses[name] = address
        self.load.ask("connect", target=name, address=address, connections=CONNECTIONS)
        return server

    def _answers(self, name: str, scenario: str) -> bool:
        return self.load.ask("closed", target=name, scenario=scenario, concurrency=1, seconds=0.01)["completed"] > 0


@contextmanager
def standing() -> Iterator[Stage]:
    """A stage in a fresh folder; nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="rfb-") as folder, ExitStack() as stack:
        yield Stage(Path(folder), stack)


def configuration(name: str, kind: Daemon, address: str, runtime: Path) -> str:
    """The daemon's TOML file."""
    text = CONFIG.format(
        name=name,
        runtime=runtime,
        workers=kind.workers,
        address=address,
        coalesce_ms=kind.coalesce_ms,
        observed=str(kind.observed).lower(),
    )
    if kind.engines:
        for model, interval_ms in (("fast", 0), ("paced", INTERVAL_MS)):
            text += MODEL.format(name=model, python=sys.executable, interval_ms=interval_ms)
    return text


def python(module: str, *arguments: str) -> list[str]:
    """The command line of one of our modules; its import roots are the installed ones and this folder."""
    start = (
        f"import runpy, sys; sys.path.insert(0, {str(BENCH)!r}); "
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, "-P", "-c", start, *arguments]


def free_address() -> str:
    """A loopback port that nobody has; another could take it before it is used, which then fails with a clear error."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def cores() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))
