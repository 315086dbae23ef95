"""Attacks by our own processes with nothing around them: what keeps them in is what they do themselves."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from containment import package
from containment.assault import ACCOMPLICE, ACCOMPLICE_NAME, DONE, Assault, arguments, parsed
from containment.bare import USERS, Bare, program
from containment.host import Host
from containment.inside import ENGINE, ORDERS
from containment.namespaces import until
from containment.network import Network

ATTACK_S = 300.0
"""A start, and all attempts."""

WORKER = f"{package.SITE_PACKAGES}/ringfenced/engines/worker.py"
"""Where an engine's program is."""
INSIDE = f"{package.HOME}/tests/containment/inside.py"
"""One of our programs, attacking."""
_ENVIRONMENT = ("/usr/bin/env", f"https_proxy={package.PROXY}")


def is_done(results: Path) -> bool:
    """Whether `inside` has tried everything."""
    return results.exists() and results.read_text().endswith(f"{DONE}\n")


@contextlib.contextmanager
def engine_attacks(host: Host, results: str, words: Sequence[str]) -> Iterator[None]:
    """For a while, llama.cpp's engine attacks on that machine at the moment at which it would serve."""
    itself = WORKER.replace("worker.py", "worker_itself.py")
    host.write(ORDERS, json.dumps({"results": results, "words": list(words)}))
    host.run("mv", WORKER, itself)
    host.write(WORKER, ENGINE)
    try:
        yield
    finally:
        host.run("mv", itself, WORKER)


class Alone:
    """The bare machine, with whoever helps on it, and the outside that counts."""

    def __init__(self, bare: Bare, network: Network) -> None:
        """Nothing is started yet."""
        self.bare = bare
        self.network = network

    def plainly(self, words: Sequence[str]) -> Assault:
        """Attack as an ordinary process: the control."""
        command = (*_ENVIRONMENT, package.PYTHON, "-P", "-m", "ringfence.confine.attempts", *words)
        watch = self.network.watching()
        ran = subprocess.run(
            self.bare.as_user("plain", *command), capture_output=True, text=True, timeout=ATTACK_S, check=False
        )
        return Assault("a plain process, no unit", parsed(ran.stdout), watch.stop())

    def as_program(self, role: str, state: str) -> Assault:
        """Attack as the daemon or the agent, at the moment at which it would serve. `state` is its folder."""
        results = f"{state}/attack.jsonl"
        name = {"daemon": "ringfenced", "agent": "ringfence-agent"}[role]
        config = program(name)[-1]
        words = (role, results, config, *arguments("processes", writable=[state], handed=False))
        watch = self.network.watching()
        process = self.bare.start(role, *_ENVIRONMENT, package.PYTHON, "-P", INSIDE, *words, log=f"/tmp/{role}.log")
        try:
            said = self._said(process, results, f"/tmp/{role}.log")
        finally:
            process.kill()
            process.wait()
        return Assault(f"{name}, no unit", parsed(said), watch.stop())

    def as_engine(self) -> Assault:
        """Attack as the engine that the daemon starts for its model, once it is loaded; it attacks its parent too."""
        results = "/var/lib/ringfenced/engine.jsonl"
        words = arguments("processes", writable=["/var/lib/ringfenced", "/run/ringfenced"], handed=False)
        with engine_attacks(self.bare, results, words):
            watch = self.network.watching()
            process = self.bare.start("daemon", *_ENVIRONMENT, *program("ringfenced"), log="/tmp/daemon.log")
            try:
                said = self._said(process, results, "/tmp/daemon.log")
            finally:
                self.bare.end("daemon")
                process.wait(30)
        return Assault("an engine, no unit", parsed(said), watch.stop())

    def _said(self, process: subprocess.Popen[bytes], results: str, log: str) -> str:
        """What was tried, once all of it was; where it ends before, what it said."""
        file = self.bare.path(results)
        until(lambda: is_done(file) or process.poll() is not None, "the attack", ATTACK_S)
        assert is_done(file), self.bare.path(log).read_text()
        return file.read_text()


def accomplice(bare: Bare) -> subprocess.Popen[bytes]:
    """Start somebody on the machine who is not confined and helps."""
    bare.run("install", "-d", f"--owner={USERS['plain']}", "--mode=755", ACCOMPLICE)
    words = (package.PYTHON, "-P", package.ACCOMPLICE, ACCOMPLICE, f"{ACCOMPLICE_NAME}-processes")
    helping = bare.start("plain", *words, log="/run/accomplice.log")
    until(lambda: bare.path(f"{ACCOMPLICE}/handing.sock").is_socket(), "the accomplice")
    return helping
