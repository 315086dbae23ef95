"""Starting what is measured, and waiting until it answers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

LOG_CHARS = 6000
"""How much of what a program printed is shown where it does not get ready."""
END_S = 10.0
"""How long a process may take to leave before its group is killed."""


def start(stack: AsyncExitStack, log: Path, *command: str) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, which ends with `stack`; what it prints goes to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def ready(
    is_ready: Callable[[], Awaitable[bool]], process: subprocess.Popen[bytes], log: Path, limit_s: float
) -> float:
    """Wait until something answers; return how long that took, in seconds.

    Raises:
        RuntimeError: it left, or took longer than `limit_s`; with the last lines that it printed.
    """
    began_s = time.monotonic()
    while not await is_ready():
        if process.poll() is not None or time.monotonic() > began_s + limit_s:
            raise RuntimeError(f"{log.stem} did not get ready (exit status {process.poll()}):\n{_end_of(log)}")
        await asyncio.sleep(0.1)
    return time.monotonic() - began_s


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_CHARS:]


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
