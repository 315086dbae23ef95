"""A site at work in its units, as those who operate it see it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from containment.machine import Machine
from containment.namespaces import until

UNITS = ("ringfence-agent.service", "ringfenced.service", "ringfenced-proxy.socket")
START_S = 240.0
"""A start of all, on a machine that does much else."""
_ASK = ("ringfence", "--ca", "/etc/ringfence/pki/ca.pem", "--server-name", "localhost", "--target", "localhost:7443")
_CALLER = ("--cert", "/root/caller-ward.pem", "--key", "/root/caller-ward.key")
_OPERATOR = ("--cert", "/root/operator.pem", "--key", "/root/operator.key")


class Served:
    """The site; whoever asks comes through its door, on the machine itself."""

    def __init__(self, machine: Machine) -> None:
        """Nothing is started yet."""
        self.machine = machine

    def start(self) -> None:
        """Start everything, and wait until it answers."""
        self.machine.run("systemctl", "start", *UNITS, seconds_max=START_S)
        until(self.answers, "the site", START_S)

    def restart(self, *units: str) -> None:
        """Start some of it again, as it is configured now."""
        self.machine.run("systemctl", "restart", *units, seconds_max=START_S)
        until(self.answers, "the site", START_S)

    def stop(self) -> None:
        """Stop everything."""
        self.machine.run("systemctl", "stop", *UNITS, "ringfenced-proxy.service", seconds_max=START_S)

    def answers(self) -> bool:
        """Whether it decides."""
        return self.machine.does(*_ASK, *_CALLER, "plan", "hello")

    def asks(self, *words: str) -> bool:
        """Whether a caller's request is answered."""
        return self.machine.does(*_ASK, *_CALLER, "generate", *words)

    def stream(self, *words: str) -> subprocess.Popen[str]:
        """Begin a caller's request; its events come as lines of JSON."""
        command = self.machine.entering(*_ASK, *_CALLER, "generate", "--json", *words)
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def doctor(self, *options: str) -> dict[str, tuple[str, str]]:
        """What `ringfence doctor` finds: state and what it saw, by check."""
        command = self.machine.entering(*_ASK, *_OPERATOR, "doctor", "--json", *options)
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in {0, 1}, done.stderr
        return {each["check"]: (each["state"], each["told"]) for each in map(json.loads, done.stdout.splitlines())}

    def pid(self, unit: str) -> int:
        """The main process of a unit, as the machine numbers it; 0 where there is none."""
        return int(self.machine.shown(unit, "MainPID"))

    def is_up(self, unit: str) -> bool:
        """Whether systemd calls it started."""
        return self.machine.shown(unit, "ActiveState") == "active"

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of root's: one text for another, which must be there."""
        text = self.machine.path(name).read_text()
        assert old in text, f"{name} has no {old!r}"
        self.machine.write(name, text.replace(old, new))

    def kept(self, secrets: Sequence[bytes]) -> set[str]:
        """Files on the machine's disk that hold one of these, from its root."""
        disk = self.machine.written
        files = (path for path in disk.rglob("*") if path.is_file() and not path.is_symlink())
        return {f"/{path.relative_to(disk)}" for path in files if _holds(path.read_bytes(), secrets)}


def _holds(content: bytes, secrets: Sequence[bytes]) -> bool:
    return any(secret in content for secret in secrets)
