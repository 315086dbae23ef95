"""Durable acknowledgements: so many callers, each of which goes on once its entry is durable. A process of its own.

``python -m log_parts.acks SIDE CALLERS SECONDS FOLDER`` writes one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import uvloop

from flow_parts.stats import percentile
from log_parts.entries import entry, fields
from log_parts.growing import KEY, ORIGIN
from log_parts.peers import Side, sides
from ringfence_agent.entry import Kind
from ringfence_agent.journal import Journal

WARM_S = 0.3
SUBMITTED_AT_ONCE = 8192


async def acknowledged(side: Side, callers: int, seconds: float) -> dict[str, float]:
    """Rate, percentiles and CPU of `callers` that append in closed loops."""
    waits_s: list[float] = []
    clock = time.perf_counter
    begin = clock() + WARM_S
    end = begin + seconds

    async def call() -> None:
        while (asked := clock()) < end:
            await side.append()
            if asked >= begin:
                waits_s.append(clock() - asked)

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(call())
        await asyncio.sleep(WARM_S)
        cpu_s = time.process_time()
    spent_s, cpu_s = clock() - begin, time.process_time() - cpu_s
    return {
        "acks_hz": len(waits_s) / spent_s,
        "p50_ms": percentile(waits_s, 0.5) * 1e3,
        "p99_ms": percentile(waits_s, 0.99) * 1e3,
        "cpu_us": cpu_s / len(waits_s) * 1e6,
    }


async def appended(folder: Path, seconds: float) -> dict[str, float]:
    """Entries a second of one who submits thousands and waits for the last of them."""
    journal = Journal(folder / "log", ORIGIN, KEY, lambda: time.time_ns() // 1_000_000)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        began, said = time.perf_counter(), fields()
        while time.perf_counter() - began < seconds:
            waiting = [journal.submit(Kind.REFUSAL, said) for _ in range(SUBMITTED_AT_ONCE)]
            await waiting[-1]
        spent_s = time.perf_counter() - began
        size = journal.size
        journal.stop()
    return {"acks_hz": size / spent_s}


def raw(folder: Path, seconds: float) -> dict[str, float]:
    """The disk alone: one entry written and synced, again and again, by one thread."""
    line, waits_s = entry(0) + b"\n", []
    file = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = time.perf_counter()
    while (asked := time.perf_counter()) - began < seconds:
        os.write(file, line)
        os.fdatasync(file)
        waits_s.append(time.perf_counter() - asked)
    rate = len(waits_s) / (time.perf_counter() - began)
    return {"acks_hz": rate, "p50_ms": percentile(waits_s, 0.5) * 1e3, "p99_ms": percentile(waits_s, 0.99) * 1e3}


async def _measure(name: str, callers: int, seconds: float, folder: Path) -> dict[str, float]:
    if name == "raw":
        return raw(folder, seconds)
    if name == "appends":
        return await appended(folder, seconds)
    async with sides()[name](folder) as side:
        return await acknowledged(side, callers, seconds)


def main() -> None:
    name, callers, seconds, folder = sys.argv[1:]
    print(json.dumps(uvloop.run(_measure(name, int(callers), float(seconds), Path(folder)))))
    # The peers' threads have nothing more to write.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
