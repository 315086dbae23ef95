"""Attacks by the real units: a drop-in replaces what a unit starts, and every other setting of it stays."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence

from containment import package
from containment.assault import ACCOMPLICE, ACCOMPLICE_NAME, Assault, arguments, parsed
from containment.machine import RESULTS, Machine
from containment.namespaces import Namespace, until
from containment.network import SITE4, Network
from containment.processes import INSIDE, engine_attacks, is_done

REPLACED = frozenset(
    {"Type", "Restart", "TimeoutStartUSec", "ExecStart", "ExecStartEx", "StandardOutput", "After", "DropInPaths"}
)
"""What the drop-in changes of a unit, as ``systemctl show`` calls it.

A program that ends has no limit of its start, and what writes to no journal need not wait for that."""

ATTEMPTS = ("/usr/bin/env", f"https_proxy={package.PROXY}", package.PYTHON, "-P", "-m", "ringfence.confine.attempts")
"""Tries the ways out, with a proxy in the environment."""

_STATE_OF = re.compile(r"Timestamp|^ControlGroup|^ExecMain|^InvocationID$|^Result$|^CPUUsage|^StatusErrno$|^NRestarts$")
"""What ``systemctl show`` tells of a unit's past beside its settings."""

LISTENER_PORT = 8080
"""Where something listens for a while."""

ENGINE_S = 300.0
"""A start of the daemon, and all attempts of its engine."""

_STATE = {
    "ringfenced.service": ("/var/lib/ringfenced", "/run/ringfenced", "/run/ringfence/callers"),
    "ringfence-agent.service": ("/var/lib/ringfence-agent", "/run/ringfence/agent"),
    "ringfence-export.service": ("/var/lib/ringfence-export",),
    "ringfence-watch.service": ("/var/lib/ringfence-watch",),
    "ringfenced-proxy.service": (),
}
"""Where each may write."""


class Attacked:
    """The machine, with whoever helps on it, and the outside that counts."""

    def __init__(self, machine: Machine, network: Network) -> None:
        """Nothing is started yet."""
        self.machine = machine
        self.network = network

    def plainly(self, user: str, words: Sequence[str]) -> Assault:
        """Attack as that user, without any confinement: the control. `words` are the attempts' arguments."""
        results = f"{RESULTS}/plain.jsonl"
        options = ("--wait", "--quiet", "-p", f"User={user}", "-p", f"StandardOutput=truncate:{results}")
        watch = self.network.watching()
        self.machine.does("systemd-run", *options, "--", *ATTEMPTS, *words)
        arrivals = watch.stop()
        return Assault(f"a plain process of {user}, no unit", parsed(self.machine.run("cat", results)), arrivals)

    def as_unit(self, unit: str, words: Sequence[str] = (), settings: str = "") -> Assault:
        """Attack as that unit.

        Args:
            unit: its name with the suffix.
            words: further arguments of the attempts.
            settings: further lines of [Service], to take a wall away.
        """
        results = f"{RESULTS}/{unit}.jsonl"
        command = (*ATTEMPTS, *arguments("units", writable=_STATE[unit]), *words)
        with self.machine.dropped_in(unit, attack_drop_in(command, results) + settings):
            watch = self.network.watching()
            self.machine.does("systemctl", "start", unit)
            arrivals = watch.stop()
            said = self.machine.run("cat", results)
        assert said, self.machine.journal(unit)
        return Assault(f"attempts in {unit}", parsed(said), arrivals)

    def said_by(self, unit: str, *command: str) -> str:
        """What a command says that runs in place of a unit's program; empty where it fails."""
        results = f"{RESULTS}/said"
        with self.machine.dropped_in(unit, attack_drop_in(command, results)):
            worked = self.machine.does("systemctl", "start", unit)
        return self.machine.run("cat", results) if worked else ""

    def as_itself(self, role: str, unit: str) -> Assault:
        """Attack as the daemon or the agent in its unit, at the moment at which it would serve."""
        state = _STATE[unit][0]
        results, config = f"{state}/attack.jsonl", f"/etc/ringfence/{unit.removesuffix('.service')}.toml"
        words = (role, results, config, *arguments("units", writable=_STATE[unit]))
        start = attack_drop_in((*ATTEMPTS[:3], "-P", INSIDE, *words), f"{RESULTS}/none")
        with self.machine.dropped_in(unit, start):
            watch = self.network.watching()
            self.machine.does("systemctl", "start", unit)
            arrivals = watch.stop()
            file = self.machine.path(results)
            assert is_done(file), self.machine.journal(unit)
            return Assault(f"{role} in {unit}", parsed(file.read_text()), arrivals)

    def as_engine(self) -> Assault:
        """Attack as the engine that the daemon starts for its model in its unit; it attacks its parent too."""
        results, unit = "/var/lib/ringfenced/engine.jsonl", "ringfenced.service"
        with engine_attacks(self.machine, results, arguments("units", writable=_STATE[unit])):
            watch = self.network.watching()
            self.machine.run("systemctl", "start", "--no-block", unit)
            file = self.machine.path(results)
            try:
                until(lambda: is_done(file), "the engine's attack", ENGINE_S)
            except AssertionError as error:
                raise AssertionError(f"{error}: {self.machine.journal(unit)}") from error
            finally:
                self.machine.run("systemctl", "stop", unit)
            arrivals = watch.stop()
        return Assault(f"engine in {unit}", parsed(file.read_text()), arrivals)

    def starts(self, units: Sequence[str], settings: str) -> bool:
        """Whether these units, as they are but for those lines of [Service], serve."""
        with contextlib.ExitStack() as stack:
            for unit in units:
                stack.enter_context(self.machine.dropped_in(unit, f"[Service]\n{settings}"))
            try:
                return self.machine.does("systemctl", "start", *units)
            finally:
                self.machine.run("systemctl", "stop", *units)

    def is_heard(self, unit: str = "") -> bool:
        """Whether somebody outside can connect to what listens in that unit; in none, without a name."""
        listener = f"{package.PYTHON} -P -m http.server --directory /usr/share/ringfence {LISTENER_PORT}"
        drop_in = f"[Service]\nType=exec\nRestart=no\nExecStart=\nExecStart={listener}\n"
        if not unit:
            unit = "listener.service"
            self.machine.write(f"/run/systemd/system/{unit}", "[Service]\nExecStart=/bin/true\n")
        with self.machine.dropped_in(unit, drop_in):
            self.machine.run("systemctl", "start", unit)
            try:
                until(lambda: self._connects(self.network.site), "the listener")
                return self._connects(self.network.outside)
            finally:
                self.machine.run("systemctl", "stop", unit)

    def _connects(self, place: Namespace) -> bool:
        address = "127.0.0.1" if place is self.network.site else SITE4
        connect = f"import socket; socket.create_connection(({address!r}, {LISTENER_PORT}), 1)"
        command = place.entering(sys.executable, "-c", connect)
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0

    def changed(self, unit: str) -> dict[str, tuple[str, str]]:
        """What the attack changes of a unit's settings: before and during."""
        before = self._shown(unit)
        with self.machine.dropped_in(unit, attack_drop_in(ATTEMPTS, f"{RESULTS}/none")):
            during = self._shown(unit)
        return {key: (before[key], during[key]) for key in before if words(before[key]) != words(during[key])}

    def _shown(self, unit: str) -> dict[str, str]:
        lines = self.machine.run("systemctl", "show", "--no-pager", unit).splitlines()
        return {key: value for key, _, value in (line.partition("=") for line in lines) if not _STATE_OF.search(key)}


def words(value: str) -> list[str]:
    """A setting's words; systemd tells sets of units in any order."""
    return sorted(value.split())


def attack_drop_in(words: Sequence[str], results: str) -> str:
    """What replaces a unit's program, and with it how systemd knows that it is ready."""
    return (
        "[Service]\nType=oneshot\nRestart=no\nExecStart=\n"
        f"ExecStart={shlex.join(words)}\nStandardOutput=truncate:{results}\n"
    )


def accomplice(machine: Machine) -> None:
    """Start somebody on the machine who is not confined and helps."""
    machine.run("mkdir", "--mode=755", "--parents", ACCOMPLICE)
    words = (package.PYTHON, "-P", package.ACCOMPLICE, ACCOMPLICE, f"{ACCOMPLICE_NAME}-units")
    machine.run("systemd-run", "--quiet", "--unit=accomplice", "--", *words)
    until(lambda: machine.path(f"{ACCOMPLICE}/handing.sock").is_socket(), "the accomplice")
