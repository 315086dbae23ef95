"""The stage of the demonstration: a folder with certificates and configuration, and four kinds of processes on it.

callers ──gRPC, mTLS──▶ ringfenced ──▶ llama.cpp engine
                            └──gRPC, mTLS──▶ ringfence-agent ──TLS 1.3──▶ stand-in provider
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ringfence.client import Client, RingfenceCallError
from ringfence.tls import Identity

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "tiny" / "ringfence-tiny.gguf"
START_S = 60.0
"""How long the whole stage may take to stand."""

AGENT = """\
[listen]
address = "unix:{folder}/agent.sock"
certificate = "certs/agent.pem"
key = "certs/agent.key"
authority = "certs/ca.pem"

[daemon]
identities = ["spiffe://ringfence.local/daemon"]
[daemon.permit_keys]
daemon-1 = "certs/permit.pub"

[log]
directory = "log"
origin = "ringfence.local/egress"
signing_key = "certs/log.key"
salt_key = "salt.key"

[[providers]]
name = "standin"
kind = "openai"
base_url = "https://localhost:{provider_port}/v1"
authority = "certs/provider-ca.pem"
api_key_file = "provider-api.key"
region = "eu"
contract = "none: a stand-in on this machine"
allow_private_addresses = true
[providers.clearance]
level = "INTERNAL"
[providers.models]
cloud-1 = "cloud-1"
"""

DAEMON = """\
node = "demo"
state = "state"
drain_seconds_max = 5.0

[listen]
tcp = "localhost:{daemon_port}"
tls = {{ ca = "certs/ca.pem", cert = "certs/daemon.pem", key = "certs/daemon.key" }}

[[departments]]
name = "ward"
grant_credits = 10
[[departments]]
name = "billing"
grant_credits = 5
[[departments]]
name = "it"
grant_credits = 0

[[callers]]
identity = "spiffe://ringfence.local/caller/ward"
department = "ward"
label_default = {{ level = "INTERNAL" }}
[[callers]]
identity = "spiffe://ringfence.local/caller/billing"
department = "billing"
label_default = {{ level = "INTERNAL" }}
[[callers]]
identity = "spiffe://ringfence.local/operator/dev"
department = "it"
roles = ["operator"]
[[callers]]
identity = "spiffe://ringfence.local/auditor/dev"
department = "it"
roles = ["auditor"]

[[models]]
name = "tiny"
path = "{model}"
context_tokens = 1024
sequences = 4
threads = 1
quality = 0.6
logprob_floor = {floor}
price = {{ prompt_microcredits_per_1k = 20, completion_microcredits_per_1k = 60 }}
speed = {{ first_token_ms = 60, token_ms = 3 }}

[[providers]]
name = "standin"
region = "eu"
clearance = {{ level = "INTERNAL" }}
[[providers.models]]
name = "cloud-1"
context_tokens = 1024
quality = 0.95
price = {{ prompt_microcredits_per_1k = 2500, completion_microcredits_per_1k = 10000 }}
speed = {{ first_token_ms = 400, token_ms = 10 }}

[agent]
target = "unix:{folder}/agent.sock"
tls = {{ ca = "certs/ca.pem", cert = "certs/daemon.pem", key = "certs/daemon.key" }}
permit_key = "certs/permit.key"
log_public_key = "certs/log.pub"
log_origin = "ringfence.local/egress"
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything stands and answers."""

    folder: Path
    daemon_port: int

    def identity(self, name: str) -> Identity:
        """A caller's files, for example ``caller-ward``."""
        certs = self.folder / "certs"
        return Identity(certs / f"{name}.pem", certs / f"{name}.key", certs / "ca.pem")

    def client(self, name: str) -> Client:
        """A client of the daemon."""
        return Client(f"localhost:{self.daemon_port}", self.identity(name))

    def seen_by_provider(self) -> list[str]:
        """Every request body that reached the provider."""
        seen = self.folder / "seen.jsonl"
        return seen.read_text(encoding="utf-8").splitlines() if seen.exists() else []

    def ringfence(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return subprocess.run(  # noqa: S603 - our own program
            (str(Path(sys.executable).with_name("ringfence")), *arguments), capture_output=True, text=True, check=False
        )


@contextmanager
def stage(folder: Path, floor: float, tell: Callable[[str], None]) -> Iterator[Stage]:
    """Make the folder's files and start every process; when left, none of them runs.

    Args:
        folder: empty; its path is short enough for a unix socket.
        floor: the tiny model's log-probability floor.
        tell: called with what is being done.

    Raises:
        RuntimeError: a process ended or did not come up; the text holds its last lines.
    """
    provider_port, daemon_port = _free_port(), _free_port()
    made = Stage(folder, daemon_port)
    tell("certificates for daemon, agent, callers and auditor")
    result = made.ringfence("dev-certs", str(folder / "certs"))
    if result.returncode:
        raise RuntimeError(result.stderr)
    api_key = folder / "provider-api.key"
    api_key.touch(mode=0o600)
    api_key.write_text("stand-in-key", encoding="utf-8")
    values = {
        "folder": folder,
        "provider_port": provider_port,
        "daemon_port": daemon_port,
        "model": MODEL,
        "floor": floor,
    }
    (folder / "agent.toml").write_text(AGENT.format(**values), encoding="utf-8")
    (folder / "daemon.toml").write_text(DAEMON.format(**values), encoding="utf-8")
    with ExitStack() as stack:
        tell("stand-in provider (llama_cpp.server over TLS 1.3, its own CA)")
        certs = folder / "certs"
        provider = stack.enter_context(
            _process(
                folder,
                "provider",
                *(str(ROOT / "examples" / "standin.py"), "--model", str(MODEL), "--port", str(provider_port)),
                *("--cert", str(certs / "provider.pem"), "--key", str(certs / "provider.key")),
                *("--api-key", str(api_key), "--seen", str(folder / "seen.jsonl")),
            )
        )
        tell("ringfence-agent")
        agent = stack.enter_context(
            _process(folder, "agent", "-m", "ringfence_agent", "--config", str(folder / "agent.toml"))
        )
        tell("ringfenced, with one llama.cpp engine")
        daemon = stack.enter_context(
            _process(folder, "daemon", "-m", "ringfenced", "--config", str(folder / "daemon.toml"))
        )
        deadline_s = time.monotonic() + START_S
        _await(lambda: _provider_answers(provider_port, certs), (provider,), deadline_s, folder)
        _await(lambda: _daemon_is_well(made), (daemon, agent), deadline_s, folder)
        yield made


@contextmanager
def _process(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process whose output goes to ``NAME.log``; ended, with its children, when the context is left."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RINGFENCE_")}  # noqa: TID251 - a launcher
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            (sys.executable, *arguments), stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(
    ready: Callable[[], bool], processes: tuple[subprocess.Popen[bytes], ...], deadline_s: float, folder: Path
) -> None:
    while not ready():
        for process in processes:
            if process.poll() is not None or time.monotonic() > deadline_s:
                tails = {log.name: log.read_text(errors="replace")[-2000:] for log in sorted(folder.glob("*.log"))}
                raise RuntimeError("the stage does not stand:\n" + "\n".join(f"{k}:\n{v}" for k, v in tails.items()))
        time.sleep(0.05)


def _provider_answers(port: int, certs: Path) -> bool:
    context = ssl.create_default_context(cafile=str(certs / "provider-ca.pem"))
    try:
        with socket.create_connection(("localhost", port), timeout=1) as plain:
            context.wrap_socket(plain, server_hostname="localhost").close()
    except OSError:
        return False
    return True


def _daemon_is_well(made: Stage) -> bool:
    try:
        with made.client("operator") as client:
            # Walls that this kernel does not have are told, and are no reason not to show anything.
            return all(check.ok or check.name == "confinement" for check in client.health().checks)
    except RingfenceCallError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
