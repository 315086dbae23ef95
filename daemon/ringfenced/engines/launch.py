"""Starting and ending one engine process: what it is called with, what it can see, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import ringfence
import ringfenced
from ringfenced.engines.cgroup import EngineCgroup
from ringfenced.engines.progress import EXIT_NO_MEMORY, Progress, ProgressReader

STDERR_LINES_MAX = 40
"""Lines of an engine's start that are kept."""

STDERR_BYTES_MAX = 16 * 1024
"""Bytes of them that are kept."""

STOP_GRACE_S = 1.0
"""How long an engine that was asked to leave may take before its process group is killed."""

SOCKET_PATH_BYTES_MAX = 107
"""Longest path of a unix socket: sun_path has 108 bytes, one of them the closing zero (unix(7))."""

SOCKET_NAME = "e.socket"
"""An engine's socket in its folder; as long as the longest name that it listens under first (`server`)."""

VMSTAT = Path("/proc/vmstat")
"""Counts what the kernel killed because memory ran out (``oom_kill``, since Linux 4.13)."""

VLLM_PROGRAM = Path(__file__).with_name("vllm") / "bootstrap.py"
"""What a vLLM engine runs, by its path: its interpreter need not know our packages."""


class EngineKind(StrEnum):
    """Which program hosts a model."""

    LLAMA_CPP = "llama.cpp"
    VLLM = "vllm"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One model and the program that hosts it."""

    name: str
    """The model's name, unique on the node."""
    kind: EngineKind
    """``llama.cpp`` runs `ringfenced.engines.worker`, ``vllm`` `VLLM_PROGRAM`; ``command`` runs `arguments` alone."""
    arguments: tuple[str, ...]
    """Command line without ``--socket`` and ``--parent``, which the launcher adds."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond the scrubbed ones, for example ``CUDA_VISIBLE_DEVICES``; never secrets."""
    preload: bool = True
    """Load it when the daemon starts; otherwise when it is asked for."""
    gather_ms: int = 0
    """How long it may let text gather before it sends it, in milliseconds; what begins or ends never waits."""
    load_timeout_s: float = 600.0
    """How long loading may take, in seconds."""
    ways: tuple[Mapping[str, int], ...] = ({},)
    """What one engine takes of memory, in bytes by device; several where it can be placed in several ways, the best
    first. What takes nothing always fits."""
    pin: bool = False
    """Never unloaded to make room."""
    rank: int = 0
    """The lower one gives way where memory is short."""
    idle_unload_s: float = 0.0
    """Unloaded after so many seconds without a request; 0 for never."""
    replicas: int = 1
    """Engines that share its requests, as memory allows."""
    context_tokens: int = 0
    """Longest prompt and answer, which is halved where loading runs out of memory; 0 where the engine knows."""
    tells_progress: bool = False
    """It takes ``--progress-fd N`` (`progress`), as `ringfenced.engines.worker` does."""
    is_bounded: bool = True
    """Whether `ways` says what it takes of the node's own memory at most; otherwise no control group bounds it."""
    weights: str = ""
    """Name of the file or folder that its weights come from, for people."""
    interpreter: str = ""
    """With vllm: the Python of the virtual environment that has it; the daemon's own if empty."""


class EngineStartError(Exception):
    """An engine that did not come up; the message says why, with its last lines."""


def socket_path(socket_dir: Path, name: str, number: int = 0) -> Path:
    """Return where a model's engine of that number listens; every process of the node computes the same.

    It is alone in its folder, which is all that its walls leave the engine: it may make and remove sockets there.

    Raises:
        ValueError: the folder's path is too long for a unix socket.
    """
    path = socket_dir / hashlib.sha256(f"{name}/{number}".encode()).hexdigest()[:12] / SOCKET_NAME
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise ValueError(f"the path of an engine's socket exceeds {SOCKET_PATH_BYTES_MAX} bytes; use a shorter folder")
    return path


def command_line(
    spec: EngineSpec, path: Path, parent_pid: int, *, context_tokens: int = 0, progress_fd: int = -1
) -> tuple[str, ...]:
    """Return the program and its arguments; what stands later in a command line counts."""
    shorter = context_tokens and spec.context_tokens and context_tokens != spec.context_tokens
    return (
        *(*_program(spec), *spec.arguments, "--socket", str(path), "--parent", str(parent_pid)),
        *(("--context", str(context_tokens)) if shorter else ()),
        *(("--progress-fd", str(progress_fd)) if progress_fd >= 0 else ()),
    )


def _program(spec: EngineSpec) -> tuple[str, ...]:
    match spec.kind:
        case EngineKind.LLAMA_CPP:
            return (sys.executable, "-P", "-m", "ringfenced.engines.worker")
        case EngineKind.VLLM:
            return (spec.interpreter or sys.executable, "-P", str(VLLM_PROGRAM))
        case EngineKind.COMMAND:
            return ()


def environment(spec: EngineSpec) -> dict[str, str]:
    """Return all that an engine sees of the environment: nothing of the daemon's own."""
    roots = {str(Path(package.__path__[0]).parent): None for package in (ringfence, ringfenced)}
    # vLLM's interpreter must not see the daemon's other packages: the program finds ours by itself
    path = {} if spec.kind is EngineKind.VLLM else {"PYTHONPATH": os.pathsep.join(roots)}
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        **path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "GGML_NO_BACKTRACE": "1",  # llama.cpp's abort would start a debugger on itself
        **spec.environment,
    }


class EngineProcess:
    """One running engine process and all that it starts: its process group. Belongs to the loop that started it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        progress: int = -1,
        on_progress: Callable[[], None] = lambda: None,
        cgroup: EngineCgroup | None = None,
    ) -> None:
        """Own a process; use `start`."""
        self._process = process
        self._cgroup = cgroup
        self._oom_kills = _oom_kills()
        self._was_killed_by_us = False
        self._reader = ProgressReader()
        self._on_progress = on_progress
        self._progress = progress
        self._loop = asyncio.get_running_loop()
        self._exited = asyncio.Event()
        self._drained = asyncio.Event()
        self._lines = bytearray()
        self._keeps_lines = True
        self._is_over = False
        assert process.stderr is not None
        self._stderr = process.stderr.fileno()
        os.set_blocking(self._stderr, False)
        self._loop.add_reader(self._stderr, self._on_stderr)
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._on_exit)
        if progress >= 0:
            os.set_blocking(progress, False)
            self._loop.add_reader(progress, self._on_progress_bytes)

    @classmethod
    def start(
        cls,
        spec: EngineSpec,
        path: Path,
        *,
        context_tokens: int = 0,
        on_progress: Callable[[], None] = lambda: None,
        cgroup: EngineCgroup | None = None,
    ) -> EngineProcess:
        """Start the engine in a session and process group of its own.

        It does not wait for anything, so that no cancellation can come between a process and its owner.

        Args:
            spec: the model and its program.
            path: the socket that it shall listen on.
            context_tokens: another context than the spec's; 0 for that.
            on_progress: called when `progress` has changed.
            cgroup: the control group that bounds its memory; None for none.

        Raises:
            EngineStartError: the program cannot be started.
        """
        reading, writing = os.pipe() if spec.tells_progress else (-1, -1)
        try:
            process = subprocess.Popen(  # noqa: S603  # the command line is the operator's
                command_line(spec, path, os.getpid(), context_tokens=context_tokens, progress_fd=writing),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(spec),
                start_new_session=True,
                pass_fds=(writing,) if writing >= 0 else (),
            )
        except OSError as error:
            if reading >= 0:
                os.close(reading)
            if cgroup is not None:
                cgroup.remove()
            raise EngineStartError(f"the engine cannot be started: {error.strerror}") from error
        finally:
            if writing >= 0:
                os.close(writing)
        if cgroup is not None:
            cgroup.take(process.pid)
        return cls(process, progress=reading, on_progress=on_progress, cgroup=cgroup)

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status; negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def progress(self) -> Progress:
        """How far its loading is; what it does not tell is the beginning."""
        return self._reader.progress

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether it left because memory ran out: it said so, or the kernel killed it for that."""
        code = self._process.returncode
        if code == EXIT_NO_MEMORY:
            return True
        if code != -signal.SIGKILL or self._was_killed_by_us:
            return False
        before, now = self._oom_kills, _oom_kills()
        return before is not None and now is not None and now > before

    def forget_lines(self) -> None:
        """Drop what was kept: the engine is ready, and what it says from now on may hold content."""
        self._keeps_lines = False
        self._lines.clear()

    def describe_end(self, *, timed_out: bool) -> str:
        """Say for people how the process ended, with the last lines of its start.

        Args:
            timed_out: it was killed because it did not get ready in time.
        """
        code = self._process.returncode
        assert code is not None
        if timed_out:
            how = "the engine did not get ready in time"
        elif self.ran_out_of_memory:
            how = "the engine ran out of memory"
        elif code < 0:
            how = f"the engine was ended by {signal.Signals(-code).name}"
        else:
            how = f"the engine left with exit status {code}"
        lines = self._lines.decode(errors="replace").splitlines()[-STDERR_LINES_MAX:]
        return "\n".join([how, *lines])

    async def wait(self) -> None:
        """Wait until the process has ended."""
        await self._exited.wait()

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """End the process group: politely, then for sure. Nothing of it runs when this returns; once is enough."""
        if self._is_over:
            return
        if grace_s > 0 and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._exited.wait()
        self.kill()
        await self._exited.wait()
        with contextlib.suppress(TimeoutError):  # one that left its group may hold the pipe
            async with asyncio.timeout(STOP_GRACE_S):
                await self._drained.wait()
        self._end_stderr()
        self._end_progress()
        if self._cgroup is not None:
            self._cgroup.remove()
        self._is_over = True  # its id may be another's from here on

    def kill(self) -> None:
        """Kill the process group, children that outlived their parent included."""
        self._was_killed_by_us = self._was_killed_by_us or self._process.returncode is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._process.wait()
        self._exited.set()

    def _on_stderr(self) -> None:
        data = os.read(self._stderr, STDERR_BYTES_MAX)
        if not data:
            self._end_stderr()
        elif self._keeps_lines:
            self._lines += data
            del self._lines[:-STDERR_BYTES_MAX]

    def _end_stderr(self) -> None:
        if not self._drained.is_set():
            assert self._process.stderr is not None
            self._loop.remove_reader(self._stderr)
            self._process.stderr.close()
            self._drained.set()

    def _on_progress_bytes(self) -> None:
        data = os.read(self._progress, STDERR_BYTES_MAX)
        if not data:
            self._end_progress()
        elif self._reader.feed(data):
            self._on_progress()

    def _end_progress(self) -> None:
        if self._progress >= 0:
            self._loop.remove_reader(self._progress)
            os.close(self._progress)
            self._progress = -1


def _oom_kills() -> int | None:
    """How often this machine's kernel has killed for want of memory; None where it does not tell."""
    try:
        lines = VMSTAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
