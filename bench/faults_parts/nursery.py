"""Agents, started from the zygote (``zygote.py``), traced or not, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faults_parts.trace import CALLS, Call, parse

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
START_S_MAX = 20.0
"""Longer than this no start takes, on the busiest machine."""


@dataclass
class Running:
    """An agent."""

    pid: int
    stderr: Path
    ended: asyncio.Future[int]
    """Its exit code; negative for a signal."""
    trace: Path | None
    tracer: asyncio.subprocess.Process | None

    def said(self) -> str:
        """What it wrote to stderr."""
        return self.stderr.read_text(errors="replace")

    async def listening(self) -> bool:
        """Wait until it listens, or has ended; whether it listens."""
        until_s = time.monotonic() + START_S_MAX
        while time.monotonic() < until_s:
            if '"event": "listening"' in self.said():
                return True
            if self.ended.done():
                return False
            await asyncio.sleep(0.004)
        raise AssertionError(f"the agent neither listens nor ends:\n{self.said()}")

    async def stop(self, seconds: float = 8.0) -> int:
        """End it, politely first; its exit code.

        Raises:
            AssertionError: it had to be killed.
        """
        self._signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(asyncio.shield(self.ended), seconds)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self.ended
            raise AssertionError(f"the agent does not end on SIGTERM:\n{self.said()}") from None
        if self.tracer is not None:
            await self.tracer.wait()
        return code

    async def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)
        await self.ended

    def calls(self) -> list[Call]:
        """What was traced; for when the agent has ended."""
        assert self.trace is not None
        found: list[Call] = []
        for path in self.trace.parent.glob(f"{self.trace.name}.*"):
            with path.open(errors="replace") as lines:
                found += parse(lines, int(path.suffix[1:]))
        return found

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal, where there is still somebody to get it."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Nursery:
    """The zygote's other end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take a zygote that was started with pipes."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._orders = process.stdin
        self._tales = process.stdout
        self._pids: asyncio.Queue[int] = asyncio.Queue()
        self._ends: dict[int, asyncio.Future[int]] = {}
        self.ready = asyncio.Event()
        """It has imported everything."""

    async def start(self, config: Path, hooks: Sequence[str], strace: Sequence[str] | None = None) -> Running:
        """Start an agent; with strace's options it is traced from its first instruction on."""
        stderr = config.parent / f"agent-{time.monotonic_ns()}.stderr"
        stderr.touch()
        self._order({"config": str(config), "stderr": str(stderr), "hooks": list(hooks)})
        pid = await self._pids.get()
        trace = tracer = None
        if strace is not None:
            trace = config.parent / f"trace-{pid}"
            options = ["-ff", "-qqq", "-ttt", "-T", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={CALLS}"]
            tracer = await asyncio.create_subprocess_exec("strace", *options, *strace, "-p", str(pid))
            while not _traced(pid):
                assert tracer.returncode is None, "strace cannot trace here"
                await asyncio.sleep(0.002)
        self._order({"go": pid})
        return Running(pid, stderr, self._ends[pid], trace, tracer)

    async def listen(self) -> None:
        """Take in what the zygote tells, until it ends.

        Raises:
            AssertionError: it ended by itself; its stderr says why.
        """
        async for line in self._tales:
            told = json.loads(line)
            if "ready" in told:
                self.ready.set()
            elif "pid" in told:
                self._ends[told["pid"]] = asyncio.get_running_loop().create_future()
                self._pids.put_nowait(told["pid"])
            else:
                self._ends.pop(told["ended"]).set_result(told["code"])
        assert self._orders.is_closing(), "the zygote has ended"

    async def close(self) -> None:
        """Let the zygote end."""
        self._orders.close()
        await self._process.wait()

    def _order(self, order: dict[str, object]) -> None:
        self._orders.write(json.dumps(order).encode() + b"\n")


@contextlib.asynccontextmanager
async def nursery(config: Path) -> AsyncIterator[Nursery]:
    """A zygote that has everything ready for `config`."""
    roots = os.pathsep.join(str(path) for path in (HERE, ROOT / "proto", ROOT / "agent"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "zygote.py"),
        str(config),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": roots},  # noqa: TID251 - the launcher of a child process
    )
    made = Nursery(process)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(made.listen())
        try:
            await made.ready.wait()
            yield made
        finally:
            await made.close()
            listening.cancel()


def _traced(pid: int) -> bool:
    """Whether somebody traces a process."""
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()
