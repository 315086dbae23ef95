"""Processes as the kernel sees them: CPU, memory, children, and when one is ready."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self


def cpu_ns(pid: int) -> dict[int, int]:
    """Nanoseconds on a CPU of each living thread (schedstat, first field; Documentation/scheduler/sched-stats)."""
    spent: dict[int, int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            spent[int(task.name)] = int((task / "schedstat").read_text().split()[0])
    return spent


@dataclass(frozen=True, slots=True)
class CpuMark:
    """Where a set of processes stood."""

    spent: dict[int, dict[int, int]]

    @classmethod
    def take(cls, pids: Iterable[int]) -> Self:
        """Read now."""
        return cls({pid: cpu_ns(pid) for pid in pids})

    def since_us(self) -> dict[int, float]:
        """Microseconds that each process has spent since; what threads that ended meanwhile had spent is lost."""
        return {
            pid: sum(now - before.get(thread, 0) for thread, now in cpu_ns(pid).items()) / 1000
            for pid, before in self.spent.items()
        }


def rss_mb(pid: int) -> float:
    """Resident memory in MB (10**6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def children(pid: int) -> list[int]:
    """All that a process started, and what those started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def is_engine(pid: int) -> bool:
    """Whether a process is an engine rather than a part of the daemon."""
    return b"ringfenced.engines" in Path(f"/proc/{pid}/cmdline").read_bytes()


class Server:
    """A process that says READY=1 (sd_notify(3)) when it serves; ends with the context."""

    def __init__(self, argv: list[str], folder: Path, log: Path, *, ready_s: float = 30.0) -> None:
        """Start it and wait until it is ready.

        Args:
            argv: its command line.
            folder: where the notification socket goes; its path must be short (unix(7)).
            log: takes its standard error.
            ready_s: how long it may take.

        Raises:
            RuntimeError: it ended or was not ready in time; with the end of its log.
        """
        address = folder / f"notify-{time.monotonic_ns()}"
        environment = {**os.environ, "NOTIFY_SOCKET": str(address)}  # noqa: TID251 - the launcher of a child process
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(str(address))
        with log.open("ab") as stderr:
            started = time.monotonic()
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=stderr, env=environment)
        while not select.select([self._notified], [], [], 0.05)[0]:
            if self._process.poll() is not None or time.monotonic() > started + ready_s:
                self._end()
                raise RuntimeError(f"{' '.join(argv[:5])} did not get ready:\n{log.read_text()[-1500:]}")
        self.ready_ms = (time.monotonic() - started) * 1000
        """From its start to READY=1, in milliseconds."""
        self.pid = self._process.pid

    def parts(self) -> list[int]:
        """Its process and those of its children that are no engines."""
        return [self.pid, *(pid for pid in children(self.pid) if not is_engine(pid))]

    def engines(self) -> list[int]:
        """Its engine processes."""
        return [pid for pid in children(self.pid) if is_engine(pid)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=12)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._notified.close()
