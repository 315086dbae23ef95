"""The worker processes of a node with `workers > 1`: started, watched, started again, ended."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ringfence.configfile import ConfigError
from ringfence.confine.begin import EXIT_NOT_CONFINED, NotConfined

_LOG = logging.getLogger("ringfenced.workers")

EXIT_CONFIG = 78
"""EX_CONFIG of sysexits.h: the configuration is wrong; starting again does not help."""

RESTART_S = 0.5
"""How long after its death a worker is started again, in seconds."""

RESTART_CONFIG_S = 5.0
"""The same where a file that it reads had become unusable since the daemon started, in seconds."""

ALIVE_EVERY_S = 15.0
"""How often a worker shows that it is alive, in seconds."""

SILENT_S_MAX = 60.0
"""After so many seconds without a sign a worker that gave one before is killed, and started again."""

STOP_MORE_S = 3.0
"""How much longer than their running requests workers may take to end, in seconds."""


class Workers:
    """Owns N processes that serve requests."""

    def __init__(self, config_path: Path, count: int, drain_s: float) -> None:
        """Prepare; nothing starts before `running`.

        Args:
            config_path: the daemon's file.
            count: how many.
            drain_s: how long the requests in a worker may go on after it is told to end, in seconds.
        """
        self._config_path = config_path
        self._count = count
        self._drain_s = drain_s
        self._ready = 0
        self._port = 0
        self._all_ready = asyncio.Event()
        self._heard_s: dict[int, float] = {}
        self._pids: set[int] = set()

    def on_ready(self, port: int) -> None:
        """A worker serves on `port`."""
        self._ready += 1
        self._port = port
        if self._ready >= self._count:
            self._all_ready.set()

    def on_alive(self, number: int) -> None:
        """A worker answers."""
        self._heard_s[number] = asyncio.get_running_loop().time()

    def is_worker(self, pid: int) -> bool:
        """Whether that process is one of them, and has not ended."""
        return pid in self._pids

    async def all_ready(self) -> int:
        """Wait until every worker serves; the port."""
        await self._all_ready.wait()
        return self._port

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the workers running; none is left when the context is.

        Raises:
            ConfigError: a worker ended because of the configuration before all served; it said why.
            NotConfined: a worker found a way out, whenever it was started; it said which.
        """
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._keep(number), name=f"worker {number}") for number in range(self._count)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _keep(self, number: int) -> None:
        while True:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "ringfenced"),
                *("--config", str(self._config_path), "--worker", str(number)),
            )
            self._pids.add(process.pid)
            try:
                code = await self._ended(number, process)
            except asyncio.CancelledError:
                await _end(process, self._drain_s + STOP_MORE_S)
                raise
            finally:
                self._pids.discard(process.pid)
            if code == EXIT_CONFIG and not self._all_ready.is_set():
                raise ConfigError("No worker can serve with this configuration; what is wrong is told above.")
            if code == EXIT_NOT_CONFINED:
                raise NotConfined("A worker is not shut in, and this daemon does not serve; why is told above.")
            _LOG.error("worker_died", extra={"fields": {"worker": number, "code": code}})
            # The others go on with the policy that they have, until its file can be used again.
            await asyncio.sleep(RESTART_CONFIG_S if code == EXIT_CONFIG else RESTART_S)

    async def _ended(self, number: int, process: asyncio.subprocess.Process) -> int:
        """Its exit code. One that showed that it is alive and no longer does is killed: its requests would hang."""
        self._heard_s.pop(number, None)
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await asyncio.wait_for(process.wait(), SILENT_S_MAX / 4)
            except TimeoutError:
                silent_s = loop.time() - self._heard_s.get(number, loop.time())
                if silent_s > SILENT_S_MAX and process.returncode is None:
                    _LOG.error("worker_silent", extra={"fields": {"worker": number, "seconds": round(silent_s)}})
                    process.kill()


async def _end(process: asyncio.subprocess.Process, seconds_max: float) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), seconds_max)
        except TimeoutError:
            process.kill()
            await process.wait()
