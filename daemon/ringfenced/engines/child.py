"""A short process that is asked once and waited for, beside the event loop.

The loop's own way to start a process forks, and gRPC's fork handlers then run in the child before its program does,
where they may abort it: a process that serves gRPC loses a child now and then (SIGABRT, "Check failed:
next_worker->initialized_cv"). `subprocess` uses vfork (posix_spawn's way; CPython since 3.10), which runs no handlers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

END_S: Final = 10.0
"""How long a process that was killed may take to be gone, in seconds, before its end is awaited no longer."""


class Child:
    """One process with its own process group. For one event loop."""

    def __init__(self, command: Sequence[str], *, variables: Mapping[str, str]) -> None:
        """Start it.

        Args:
            command: program and arguments.
            variables: all of its environment.

        Raises:
            OSError: it cannot be started.
        """
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(variables),
            start_new_session=True,
        )
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int:
        """Its id, which is its group's too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status; negative for a signal; None while it runs."""
        return self._process.returncode

    async def ask(self, question: bytes, seconds_max: float) -> tuple[bytes, bytes]:
        """Give it `question` on stdin, once; what it said on stdout and on stderr until it ended.

        Who is cancelled, or waits too long, leaves no process behind.

        Raises:
            TimeoutError: it took longer than `seconds_max`.
        """
        with contextlib.closing(_OneThread()) as thread:
            loop = asyncio.get_running_loop()
            said = loop.run_in_executor(thread.executor, self._process.communicate, question)
            try:
                async with asyncio.timeout(seconds_max):
                    return await asyncio.shield(said)
            finally:
                self.kill()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(END_S):
                        await asyncio.shield(said)  # its end, so that nothing of it is left
                self._ended.set()

    async def wait(self) -> None:
        """Until whoever asked it has seen its end."""
        await self._ended.wait()

    def kill(self) -> None:
        """End it and what it started; nothing where it has ended."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


class _OneThread:
    """A thread for one wait, so that a long one takes none from others."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="child")

    def close(self) -> None:
        """Let it go once it is done."""
        self.executor.shutdown(wait=False)
