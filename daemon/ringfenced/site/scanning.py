"""Where verbs run that scan texts: on the event loop, or beside it where a recogniser may wait.

What ships computes and never waits: it runs on the loop, where nothing is quicker. A plug-in may wait, for a library or
for a model of this node, whose engine only the loop can speak to: then scans run in threads, and the loop stays free.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ringfence.recognize.finding import Finding
from ringfenced.classify import Scan
from ringfenced.errors import DeadlineExceeded

T = TypeVar("T")

THREADS_MAX = 16
"""How many requests are read at once where a recogniser may wait; others stand in line until their deadline. A waiting
thread costs little, but more of them would only stand in the engine's line."""


class OnLoop:
    """Scans at once, in the task that asks. Implements `nouns.Scanning`."""

    def __init__(self, scan: Scan) -> None:
        """Take what finds; it never waits."""
        self._scan = scan

    async def run(self, work: Callable[[Scan], T], _seconds_max: float | None) -> T:
        """The outcome of `work`, which is given what finds."""
        return work(self._scan)


class InThreads:
    """Scans in a few threads of its own. Implements `nouns.Scanning`; belongs to one loop."""

    def __init__(self, scan: Scan, threads_max: int = THREADS_MAX) -> None:
        """Take what finds, and may wait; it must be callable from several threads."""
        self._scan = scan
        self._executor = ThreadPoolExecutor(threads_max, thread_name_prefix="scan")

    async def run(self, work: Callable[[Scan], T], seconds_max: float | None) -> T:
        """The outcome of `work`, which is given what finds.

        Who is cancelled or late is let go at once. `work` then ends by itself: what it is given finds nothing more, it
        raises, so that a thread is held no longer than one text takes.

        Raises:
            DeadlineExceeded: `work` took longer than `seconds_max`.
        """
        given_up = threading.Event()

        def scan(text: str) -> tuple[Finding, ...]:
            if given_up.is_set():
                raise GivenUpError
            return self._scan(text)

        try:
            async with asyncio.timeout(seconds_max):
                return await asyncio.get_running_loop().run_in_executor(self._executor, work, scan)
        except TimeoutError:
            raise DeadlineExceeded(
                "The request's deadline has passed while it was read. Give it more time, or shorten it."
            ) from None
        finally:
            given_up.set()

    def close(self) -> None:
        """Begin nothing more. What runs ends by itself once its request is cancelled."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class GivenUpError(Exception):
    """Nobody waits for this scan any more."""
