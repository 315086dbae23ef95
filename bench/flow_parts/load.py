"""The load generator's process: closed loops, open loops, fleets of streams, callers who hang up or read slowly."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ringfence.tls13 import require_tls13

require_tls13(os.environ)  # noqa: TID251 - the start of this process

import uvloop  # noqa: E402  # after TLS 1.3 was asked for

from flow_parts.alarm import Alarm  # noqa: E402
from flow_parts.calls import Tally, Target  # noqa: E402
from flow_parts.lines import serve  # noqa: E402
from flow_parts.scenarios import SCENARIOS  # noqa: E402
from flow_parts.schedule import poisson  # noqa: E402

TIMEOUT_S = 20.0
"""Deadline of each request of a closed loop, in seconds."""


class Generator:
    """Loads targets by name."""

    def __init__(self, certs: Path) -> None:
        """Nothing is connected yet."""
        self._certs = certs
        self._targets: dict[str, Target] = {}

    async def do(self, what: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command; the result says what became of its requests and how long it took."""
        if what == "connect":
            self._targets[arguments["target"]] = Target(arguments["address"], arguments["connections"], self._certs)
            return {}
        target = self._targets[arguments.pop("target")]
        if what == "running":
            return {"running": await target.running()}
        tally = Tally()
        began, cpu = time.monotonic(), time.process_time()
        extra = await getattr(self, f"_{what}")(target, tally, **arguments) or {}
        seconds = time.monotonic() - began
        return {**asdict(tally), "seconds": seconds, "generator_cpu_s": time.process_time() - cpu, **extra}

    async def _closed(self, target: Target, tally: Tally, *, scenario: str, concurrency: int, seconds: float) -> None:
        """`concurrency` callers, each asking again as soon as it has its answer."""
        payload, end = SCENARIOS[scenario].payload(), time.monotonic() + seconds

        async def caller() -> None:
            while (now := time.monotonic()) < end:
                await target.one(scenario, payload, now, tally, TIMEOUT_S)

        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(caller())

    async def _open(
        self, target: Target, tally: Tally, *, scenario: str, rate: float, seconds: float, seed: int, grace_s: float
    ) -> None:
        """Poisson arrivals, whatever becomes of earlier ones; what takes longer than `grace_s` is unfinished."""
        payload, alarm = SCENARIOS[scenario].payload(), Alarm()
        try:
            async with asyncio.TaskGroup() as group:
                start = time.monotonic() + 0.01
                for at in poisson(rate, seconds, seed):
                    await alarm.until(start + at)
                    group.create_task(target.one(scenario, payload, start + at, tally, grace_s))
        finally:
            alarm.close()

    async def _fleet(self, target: Target, tally: Tally, *, scenario: str, streams: int) -> None:
        """`streams` answers at the same time, once."""
        payload = SCENARIOS[scenario].payload()
        async with asyncio.TaskGroup() as group:
            for _ in range(streams):
                group.create_task(target.one(scenario, payload, time.monotonic(), tally, TIMEOUT_S))

    async def _storm(self, target: Target, tally: Tally, *, callers: int, rounds: int) -> dict[str, Any]:
        """Callers who hang up on the first text, `rounds` times each; then how long until nothing of it runs."""
        payload = SCENARIOS["storm"].payload()

        async def caller() -> None:
            for _ in range(rounds):
                await target.hang_up(payload, tally)

        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller())
        ended = time.monotonic()
        while (left := await target.running()) and time.monotonic() < ended + 5:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.005)
        return {"left_running": left, "free_ms": (time.monotonic() - ended) * 1000}

    async def _slow(
        self, target: Target, tally: Tally, *, readers: int, rate: float, seconds: float, seed: int
    ) -> dict[str, Any]:
        """Others' requests while `readers` read long answers a message at a time."""
        flood, slow = SCENARIOS["flood"].payload(), Tally()
        until = time.monotonic() + seconds + 0.5
        async with asyncio.TaskGroup() as group:
            for _ in range(readers):
                group.create_task(target.drip(flood, until, 0.05, asyncio.sleep, slow))
            await asyncio.sleep(0.5)
            await self._open(target, tally, scenario="unary", rate=rate, seconds=seconds, seed=seed, grace_s=5.0)
        return {"slow": asdict(slow)}


def main() -> None:
    parser = argparse.ArgumentParser(description="The load generator; speaks lines of JSON.")
    parser.add_argument("--certs", type=Path, required=True)
    uvloop.run(serve(Generator(parser.parse_args().certs).do))


if __name__ == "__main__":
    main()
