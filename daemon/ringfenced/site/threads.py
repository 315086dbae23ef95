"""A few threads that departments share: whose work is next, so that a flood of one makes only its own late.

Work of a share waits in line behind that share's own; between shares it is as in an engine's line (`schedule.shares`).
No share holds the last thread, so that somebody else's finds one at once, however long the flood's own take.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ringfenced.model import Claim
from ringfenced.schedule.shares import Job, Shares

T = TypeVar("T")


@dataclass(eq=False, slots=True, kw_only=True)
class _Work(Job):
    what: Callable[[], Any]
    done: asyncio.Future[Any]
    began_s: float = field(default=0.0)


class FairThreads:
    """Runs what computes beside the loop. Belongs to one loop."""

    def __init__(self, threads: int, name: str) -> None:
        """Begin without work.

        Args:
            threads: how many, two at least; of these a share holds all but one.
            name: what the threads' names begin with.
        """
        self._threads = threads
        self._waiting: Shares[_Work] = Shares()
        self._running: Counter[bytes] = Counter()
        self._is_closed = False
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, what: Callable[[], T], claim: Claim, expected_s: float) -> T:
        """The outcome of `what`, once it was its turn.

        Who is cancelled while it waits leaves the line; what runs already ends by itself.

        Args:
            what: computes; touches nothing that the loop does.
            claim: whose it is; its class of priority does not count here.
            expected_s: how long it is expected to compute, in seconds; its share is charged for what it really takes.
        """
        loop = asyncio.get_running_loop()
        work = _Work(share=claim.share, weight=claim.weight, work=expected_s, what=what, done=loop.create_future())
        self._waiting.push(work)
        self._begin()
        try:
            outcome: T = await work.done
        finally:
            if work in self._waiting:
                self._waiting.remove(work)
        return outcome

    def close(self) -> None:
        """Begin nothing more; who waits is left to its own time."""
        self._is_closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        """Give free threads to whose turn it is."""
        while self._running.total() < self._threads:
            full = {share for share, count in self._running.items() if count >= self._threads - 1}
            work = self._waiting.peek_besides(full)
            if work is None:
                return
            self._waiting.pop(work)
            self._running[work.share] += 1
            loop = asyncio.get_running_loop()
            work.began_s = loop.time()
            loop.run_in_executor(self._executor, work.what).add_done_callback(partial(self._ended, work))

    def _ended(self, work: _Work, ran: asyncio.Future[Any]) -> None:
        self._running -= Counter({work.share: 1})
        self._waiting.correct(work, asyncio.get_running_loop().time() - work.began_s)
        error = None if ran.cancelled() else ran.exception()
        if work.done.done() or ran.cancelled():  # nobody waits for it any more, or it never began
            work.done.cancel()
        elif error is not None:
            work.done.set_exception(error)
        else:
            work.done.set_result(ran.result())
        if not self._is_closed:
            self._begin()
