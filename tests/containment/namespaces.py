"""Network namespaces that end with this process, whatever ends it: each lives as long as one sleeping child."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

DIE_WITH_US = ("setpriv", "--pdeathsig=KILL", "--")
"""The kernel ends such a child when this process's thread ends (prctl(2), PR_SET_PDEATHSIG)."""

WAIT_S = 60.0
"""How long something that takes milliseconds may take."""


class Namespace:
    """A network namespace with nothing in it but a loopback."""

    def __init__(self) -> None:
        """Make it."""
        outer = Path("/proc/self/ns/net").readlink()
        self._holder = subprocess.Popen([*DIE_WITH_US, "unshare", "--net", "sleep", "infinity"])
        until(lambda: self.path.exists() and self.path.readlink() != outer, "a network namespace")
        until(lambda: (self.path.parents[1] / "comm").read_text() == "sleep\n", "its holder")

    @property
    def pid(self) -> int:
        """Of the process that keeps it."""
        return self._holder.pid

    @property
    def path(self) -> Path:
        """Where setns(2) finds it."""
        return Path(f"/proc/{self._holder.pid}/ns/net")

    def entering(self, *command: str) -> list[str]:
        """The command line that runs `command` in it."""
        return ["nsenter", f"--net={self.path}", "--", *command]

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command in it; what it prints.

        Raises:
            AssertionError: the command failed; with what it said.
        """
        return checked(self.entering(*command), stdin=stdin)

    def start(self, *command: str, **options: object) -> subprocess.Popen[bytes]:
        """Start a process in it that dies with this one."""
        return subprocess.Popen([*DIE_WITH_US, *self.entering(*command)], **options)  # type: ignore[call-overload,no-any-return]

    def close(self) -> None:
        """End it and its interfaces."""
        self._holder.kill()
        self._holder.wait()


def checked(command: Sequence[str], stdin: str | None = None, seconds_max: float = 60) -> str:
    """Run a command that must work; what it prints.

    Raises:
        AssertionError: it failed; with what it said.
    """
    ran = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds_max, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def until(is_true, what: str, seconds_max: float = WAIT_S) -> None:
    """Wait for something that another process does.

    Raises:
        AssertionError: it did not come in time.
    """
    end = time.monotonic() + seconds_max
    while not is_true():
        assert time.monotonic() < end, f"{what} did not come within {seconds_max} s"
        time.sleep(0.02)
