"""Starting and ending one engine process: what it is called with, what it can see, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import ringfence
import ringfenced

STDERR_LINES_MAX = 40
"""Lines of an engine's start that are kept."""

STDERR_LINE_CHARS_MAX = 400
"""Characters of such a line that are kept."""

STOP_GRACE_S = 1.0
"""How long an engine that was asked to leave may take before its process group is killed."""

SOCKET_PATH_BYTES_MAX = 107
"""Longest path of a unix socket: sun_path has 108 bytes, one of them the closing zero (unix(7))."""


class EngineKind(StrEnum):
    """Which program hosts a model."""

    LLAMA_CPP = "llama.cpp"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One model and the program that hosts it."""

    name: str
    """The model's name, unique on the node."""
    kind: EngineKind
    """``llama.cpp`` runs `ringfenced.engines.worker`; ``command`` runs `arguments` as they stand."""
    arguments: tuple[str, ...]
    """Command line without ``--socket`` and ``--parent``, which the launcher adds."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond the scrubbed ones, for example ``CUDA_VISIBLE_DEVICES``; never secrets."""
    preload: bool = True
    """Load it when the daemon starts; otherwise when it is asked for."""
    load_timeout_s: float = 600.0
    """How long loading may take, in seconds."""


class EngineStartError(Exception):
    """An engine that did not come up; the message says why, with its last lines."""


def socket_path(socket_dir: Path, name: str) -> Path:
    """Return where a model's engine listens; every process of the node computes the same.

    Raises:
        ValueError: the folder's path is too long for a unix socket.
    """
    path = socket_dir / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise ValueError(f"the path of an engine's socket exceeds {SOCKET_PATH_BYTES_MAX} bytes; use a shorter folder")
    return path


def command_line(spec: EngineSpec, path: Path, parent_pid: int) -> tuple[str, ...]:
    """Return the program and its arguments."""
    ours = (sys.executable, "-P", "-m", "ringfenced.engines.worker") if spec.kind is EngineKind.LLAMA_CPP else ()
    return (*ours, *spec.arguments, "--socket", str(path), "--parent", str(parent_pid))


def environment(spec: EngineSpec) -> dict[str, str]:
    """Return all that an engine sees of the environment: nothing of the daemon's own."""
    roots = {str(Path(package.__path__[0]).parent): None for package in (ringfence, ringfenced)}
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(roots),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GGML_NO_BACKTRACE": "1",  # llama.cpp's abort would start a debugger on itself
        **spec.environment,
    }


class EngineProcess:
    """One running engine process and all that it starts: its process group."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: deque[str] = deque(maxlen=STDERR_LINES_MAX)

    @classmethod
    async def start(cls, spec: EngineSpec, path: Path) -> EngineProcess:
        """Start the engine in a session and process group of its own.

        Raises:
            EngineStartError: the program cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command_line(spec, path, os.getpid()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=environment(spec),
                start_new_session=True,
            )
        except OSError as error:
            raise EngineStartError(f"the engine cannot be started: {error.strerror}") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status; negative for a signal; None while it runs."""
        return self._process.returncode

    async def drain(self) -> None:
        """Read stderr until its end; keep the last lines. The owner runs this beside everything else."""
        assert self._process.stderr is not None
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:  # a line beyond the stream's limit; its rest comes as further lines
                continue
            if not line:
                return
            self._lines.append(line.decode(errors="replace").rstrip()[:STDERR_LINE_CHARS_MAX])

    def forget_lines(self) -> None:
        """Drop what was kept: the engine is ready, and what it says from now on may hold content."""
        self._lines = deque(maxlen=0)

    def describe_end(self, *, timed_out: bool) -> str:
        """Say for people how the process ended, with the last lines of its start.

        Args:
            timed_out: it was killed because it did not get ready in time.
        """
        code = self._process.returncode
        assert code is not None
        if timed_out:
            how = "the engine did not get ready in time"
        elif code < 0:
            how = f"the engine was ended by {signal.Signals(-code).name}"
        else:
            how = f"the engine left with exit status {code}"
        return "\n".join([how, *self._lines])

    async def wait(self) -> None:
        """Wait until the process has ended."""
        await self._process.wait()

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """End the process group: politely, then for sure. Nothing of it runs when this returns."""
        if self._process.returncode is None and grace_s > 0:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._process.wait()
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """Kill the process group, children that outlived their parent included."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
