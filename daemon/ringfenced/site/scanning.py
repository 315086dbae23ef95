"""Where verbs run that scan texts: short ones on the event loop, long ones beside it, and all where a recogniser waits.

Reading computes. A short text is read on the loop, where nothing is quicker; a long one in a thread, so that streams
and other requests go on meanwhile. A plug-in may wait as well, for a library or for a model of this node, whose engine
only the loop can speak to: then even short texts are read in threads.
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

CHARS_ON_LOOP_MAX = 2048
"""Longest request that is read on the loop. One of this length, full of identifiers, holds it for some 25 ms; to
de-identify it takes 25 ms as prose and 120 ms as FHIR (one core of a cloud server, 2026)."""

THREADS_COMPUTING = 2
"""Threads where nothing waits: with one, a long request would stand in other long ones' way. More share one lock with
the loop: while 170 KB of FHIR are read for 2.8 s, the loop is late by 13 ms (99th percentile; 27 ms at most), with
four threads by 52 (129)."""

THREADS_WAITING = 8
"""Threads where a plug-in may wait; further requests stand in line until their deadline."""


class Scanner:
    """The recognisers, on the loop and beside it. Implements `nouns.Scanning`; belongs to one loop."""

    def __init__(self, scan: Scan, *, waits: bool = False) -> None:
        """Take what finds.

        Args:
            scan: must be callable from several threads.
            waits: whether it may wait, and so never runs on the loop.
        """
        self._scan = scan
        self._chars_on_loop_max = -1 if waits else CHARS_ON_LOOP_MAX
        self._executor = ThreadPoolExecutor(THREADS_WAITING if waits else THREADS_COMPUTING, thread_name_prefix="scan")

    async def run(self, work: Callable[[Scan], T], chars: int, seconds_max: float | None) -> T:
        """The outcome of `work`, which is given what finds.

        Who is cancelled or late is let go at once. `work` then ends by itself: what it was given finds nothing more, it
        raises, so that a thread is held no longer than one text takes.

        Args:
            work: reads; touches nothing that the loop does.
            chars: how long what it reads is, in characters.
            seconds_max: how long it may take where it does not run on the loop; None for as long as it takes.

        Raises:
            DeadlineExceeded: it took longer.
        """
        if chars <= self._chars_on_loop_max:
            return work(self._scan)
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
