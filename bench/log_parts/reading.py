"""One start with a grown log: how long it takes, what it holds in memory, proofs a second. A process of its own.

``python -m log_parts.reading FOLDER SECONDS`` writes one JSON object. The log is left as it was.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from log_parts.growing import KEY, ORIGIN
from ringfence_agent.journal import Journal

RECENT = 10_000
"""What a receipt proves is among the newest."""


def rss_mb() -> float:
    """What this process has in memory; proc(5), statm's second field."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measure(folder: Path, seconds: float) -> dict[str, float]:
    """Open, prove, look at the memory."""
    before_mb, began = rss_mb(), time.perf_counter()
    journal = Journal(folder, ORIGIN, KEY, lambda: 0)
    opened_s, opened_mb = time.perf_counter() - began, rss_mb()
    draw = random.Random(1)
    size = journal.size

    def anywhere() -> None:
        journal.prove(draw.randrange(size))

    def newest() -> None:
        journal.prove(size - 1 - draw.randrange(min(size, RECENT)))

    def consistency() -> None:
        journal.consistency(draw.randrange(1, size), size)

    return {
        "size": size,
        "start_s": opened_s,
        "opened_mb": opened_mb - before_mb,
        "inclusion_hz": rate(anywhere, seconds),
        "newest_hz": rate(newest, seconds),
        "consistency_hz": rate(consistency, seconds),
        "rss_mb": rss_mb(),
        "log_mb": rss_mb() - before_mb,
    }


def rate(do: Callable[[], None], seconds: float) -> float:
    """How often a second."""
    count, began = 0, time.perf_counter()
    while (spent_s := time.perf_counter() - began) < seconds:
        do()
        count += 1
    return count / spent_s


def main() -> None:
    folder, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(measure(Path(folder), float(seconds)))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
