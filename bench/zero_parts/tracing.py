"""Processes under strace: how they are started, when their traces are whole, and what was seen.

``-D`` makes strace the grandchild, so that who starts a process has the process itself: signals and exit codes come and
go as without. Everything that a process starts is traced too, from its first instruction on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from zero_parts.trace import CALLS, STRING_BYTES_MAX, Event, Given, ended, parse

ROOT = Path(__file__).resolve().parents[2]
WHOLE_S_MAX = 120.0
"""How long strace may take to write the rest after the last process has ended."""
_ROOTS = os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon", "agent"))
_OPTIONS = ("-D", "-f", "-ff", "-q", "-ttt", "-yy", "-xx", "-s", str(STRING_BYTES_MAX), "--seccomp-bpf")
_PROBE = """
import os, sys
from ringfence.process import keep_memory
keep_memory()
os.write(2, b"seen " * 3)
"""


class Tracing:
    """A folder of traces, and the folders that traced processes get as their own."""

    def __init__(self, folder: Path) -> None:
        """Make what is missing.

        Args:
            folder: for everything; short, for unix sockets lie in it.
        """
        self.folder = folder
        self.traces, self.cores, self.temporary = folder / "traces", folder / "cores", folder / "tmp"
        for path in (self.traces, self.cores, self.temporary, folder / "home"):
            path.mkdir(parents=True, exist_ok=True)
        self._numbers = count()

    def launcher(self, name: str) -> tuple[str, ...]:
        """The beginning of a command that runs the rest traced: in a folder for cores, which may be of any size."""
        trace = self.traces / f"{name}-{next(self._numbers)}"
        return (
            "env",
            f"PYTHONPATH={_ROOTS}",
            f"TMPDIR={self.temporary}",
            f"HOME={self.folder / 'home'}",
            *("sh", "-c", 'ulimit -c unlimited; cd "$0" && exec "$@"', str(self.cores)),
            *("strace", *_OPTIONS, "-o", str(trace), "-e", f"trace={CALLS}"),
            *("-e", "inject=io_uring_setup:error=EPERM"),  # as our units do; strace sees nothing of what a ring moves
        )

    def whole(self) -> None:
        """Wait until every thread's trace has its end.

        Raises:
            TimeoutError: something that was traced still runs.
        """
        until_s = time.monotonic() + WHOLE_S_MAX
        waiting = list(self.files())
        while waiting := [path for path in waiting if not ended(_last_line(path))]:
            if time.monotonic() > until_s:
                raise TimeoutError(f"still traced: {', '.join(path.name for path in waiting[:5])}; end it first")
            time.sleep(0.1)

    def files(self) -> Iterable[Path]:
        """A file for each thread there was."""
        return sorted(self.traces.iterdir())

    def events(self) -> Iterator[Event]:
        """Everything that was seen, one thread after the other."""
        for path in self.files():
            with path.open(errors="replace") as lines:
                yield from parse(lines)


def why_not() -> str:
    """Why this machine cannot trace a process that keeps its memory to itself; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is missing; install it (Debian: strace)"
    with tempfile.TemporaryDirectory(prefix="rf-") as name:
        tracing = Tracing(Path(name))
        command = (*tracing.launcher("probe"), sys.executable, "-P", "-c", _PROBE)
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            return f"strace cannot start a process here (ptrace is not allowed): {done.stderr.decode()[-200:].strip()}"
        tracing.whole()
        if not any(isinstance(event, Given) and event.data == b"seen " * 3 for event in tracing.events()):
            return "strace may not read what a process writes that is not dumpable; run as root (CAP_SYS_PTRACE)"
    return ""


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").splitlines()
    return lines[-1] if lines else ""
