"""The scripted engine without a daemon: a process that drives it through `EngineClient`, as the daemon does."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import uvloop

from flow_parts.lines import serve
from flow_parts.scenarios import SCENARIOS, prompt
from ringfenced.engines.client import EngineClient
from ringfenced.model import Finish


class Driver:
    """Drives one engine per socket."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self._clients: dict[str, EngineClient] = {}

    async def do(self, what: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Connect, or run a closed loop."""
        if what == "connect":
            self._clients[arguments["target"]] = await EngineClient.connect(Path(arguments["path"]))
            return {}
        client, asked = self._clients[arguments["target"]], prompt(SCENARIOS[arguments["scenario"]])
        completed, pieces, ttft_ms = 0, 0, []
        began = time.monotonic()
        end = began + arguments["seconds"]

        async def caller() -> None:
            nonlocal completed, pieces
            while (now := time.monotonic()) < end:
                first = None
                with client.start(asked, confidential=False, deadline_ms=20_000) as run:
                    while type(await run.take()) is not Finish:
                        first = first or time.monotonic()
                        pieces += 1
                completed += 1
                ttft_ms.append(((first or time.monotonic()) - now) * 1000)

        async with asyncio.TaskGroup() as group:
            for _ in range(arguments["concurrency"]):
                group.create_task(caller())
        return {
            "completed": completed,
            "messages": pieces,
            "ttft_ms": ttft_ms,
            "seconds": time.monotonic() - began,
            "failed": {},
            "unfinished": 0,
        }


if __name__ == "__main__":
    uvloop.run(serve(Driver().do))
