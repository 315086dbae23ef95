"""How the benchmark speaks to its helper processes: a line of JSON asks, a line of JSON answers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Self


class Helper:
    """One helper process; ends with the context."""

    def __init__(self, argv: list[str]) -> None:
        """Start it."""
        # gRPC tells of every connection that ends; the helpers' servers end on purpose.
        environment = {**os.environ, "GRPC_VERBOSITY": "NONE"}  # noqa: TID251 - the launcher of a child process
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.pid = self._process.pid

    def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """Let it do one thing and wait for the result.

        Raises:
            RuntimeError: it ended instead.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the helper ended while it was asked to {do}")
        result: dict[str, Any] = json.loads(line)
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def serve(do: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
    """The helper's side: answer until standard input ends."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        arguments = json.loads(line)
        result = await do(arguments.pop("do"), arguments)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
