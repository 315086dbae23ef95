"""Fair shares within one class of priority: whose job is next. Pure: no clock, no randomness.

Start-time fair queueing (Goyal, Vin, Cheng: Start-time Fair Queuing, SIGCOMM 1996). Each share has a tag in virtual
time: where its next job starts. The lowest tag is next; the job's work divided by its share's weight moves the tag on.
Over any time in which two shares have jobs waiting, the work done for them, each divided by its weight, differs by no
more than the largest job of each (their theorem 1). A share that was away starts at the present: it has saved nothing
up, and it waits for nobody's backlog. The tag does not depend on the waiting jobs' own lengths, so that one can leave
the line without anything being counted again.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ringfenced.model import Priority

DEBTS_MAX = 4096
"""Shares without waiting jobs whose tags are remembered; beyond that all such are forgiven."""

_STALE_MIN = 64
"""Dead entries of a heap that are not worth clearing away."""


@dataclass(eq=False, slots=True)
class Job:
    """Something that waits for a place; the same object is one job."""

    share: bytes
    """Whose."""
    weight: int
    """Of that share, at least 1."""
    work: float
    """Expected, in any unit that all jobs use; more than 0."""
    priority: Priority = Priority.INTERACTIVE
    """Its class."""
    deadline_s: float = float("inf")
    """After this it need not wait any more."""


J = TypeVar("J", bound=Job)


class _Share(Generic[J]):
    """The jobs of one share, first come, first served."""

    __slots__ = ("jobs", "order", "start", "work")

    def __init__(self, start: float, order: int) -> None:
        self.jobs: OrderedDict[J, None] = OrderedDict()
        self.start = start
        """Virtual time at which its next job starts."""
        self.order = order
        """Breaks ties: who came first."""
        self.work = 0.0
        """Of all its jobs."""

    @property
    def head(self) -> J:
        return next(iter(self.jobs))

    @property
    def load(self) -> float:
        """How many jobs it has for its weight."""
        return len(self.jobs) / self.head.weight


class Shares(Generic[J]):
    """The waiting jobs of one class. An operation costs the logarithm of their number, where nothing else is said."""

    def __init__(self) -> None:
        self._shares: dict[bytes, _Share[J]] = {}
        self._debts: dict[bytes, float] = {}
        """Tags of shares without jobs that lie ahead of the present."""
        self._heap: list[tuple[float, int, bytes]] = []
        self._now = 0.0
        self._orders = 0
        self._length = 0
        self._work = 0.0

    def __len__(self) -> int:
        return self._length

    def __contains__(self, job: J) -> bool:
        share = self._shares.get(job.share)
        return share is not None and job in share.jobs

    def __iter__(self) -> Iterator[J]:
        for share in self._shares.values():
            yield from share.jobs

    @property
    def work(self) -> float:
        """Expected work of all that wait."""
        return self._work if self._length else 0.0

    @property
    def shares(self) -> int:
        """How many have a job that waits."""
        return len(self._shares)

    def push(self, job: J) -> None:
        """Let a job wait, behind those of its share."""
        assert job.weight >= 1
        assert job.work > 0
        share = self._shares.get(job.share)
        if share is None:
            start = max(self._now, self._debts.pop(job.share, 0.0))
            share = self._shares[job.share] = _Share(start, self._orders)
            self._line_up(job.share, share)
        share.jobs[job] = None
        share.work += job.work
        self._length += 1
        self._work += job.work

    def peek(self) -> J:
        """Return the next job; there must be one."""
        while True:
            start, order, name = self._heap[0]
            share = self._shares.get(name)
            if share is not None and (share.start, share.order) == (start, order):
                return share.head
            heapq.heappop(self._heap)

    def pop(self) -> J:
        """Take the next job out and charge its share; there must be one."""
        job = self.peek()
        share = self._shares[job.share]
        self._now = max(self._now, share.start)
        share.start += job.work / job.weight
        self._drop(job, share)
        if share.jobs:
            self._line_up(job.share, share)
        return job

    def remove(self, job: J) -> None:
        """Take a waiting job out; its share is not charged."""
        self._drop(job, self._shares[job.share])

    def correct(self, job: J, work: float) -> None:
        """Charge a popped job's share for what it really took.

        Args:
            job: the job, popped earlier.
            work: what it took; its `work` was charged.
        """
        difference = (work - job.work) / job.weight
        share = self._shares.get(job.share)
        if share is not None:
            share.start = max(self._now, share.start + difference)
            self._line_up(job.share, share)
        else:
            self._owe(job.share, self._debts.get(job.share, self._now) + difference)

    def longest(self, newcomer: J) -> J | None:
        """Return the newest job of the share that has most for its weight, where that is more than the newcomer's share
        would then have; None where it is not. Costs the number of shares.
        """  # noqa: D205  # one sentence
        own = self._shares.get(newcomer.share)
        load = (len(own.jobs) if own is not None else 0) + 1
        longest = max(self._shares.values(), key=lambda share: (share.load, share.order), default=None)
        if longest is None or longest is own or longest.load <= load / newcomer.weight:
            return None
        return next(reversed(longest.jobs))

    def ahead(self, share: bytes | None, weight: int) -> float:
        """Estimate the work that would be begun before a new job of a share. Costs the number of shares.

        Each other share's part is right but for one job.

        Args:
            share: whose; None for one that never came before.
            weight: of that share.
        """
        own = self._shares.get(share) if share is not None else None
        behind = own.work if own is not None else 0.0
        debt = self._debts.get(share, 0.0) if share is not None else 0.0
        start = own.start if own is not None else max(self._now, debt)
        tag = start + behind / weight
        return behind + sum(
            min(other.work, max((tag - other.start) * other.head.weight, other.head.work))
            for other in self._shares.values()
            if other is not own and other.start <= tag
        )

    # ── bookkeeping ──────────────────────────────────────────────────────────────────────────────────────────────

    def _line_up(self, name: bytes, share: _Share[J]) -> None:
        """Put a share into the heap by its tag; what the heap had of it is dead by that."""
        self._orders += 1
        share.order = self._orders
        heapq.heappush(self._heap, (share.start, share.order, name))
        if len(self._heap) > 2 * len(self._shares) + _STALE_MIN:
            self._heap = [(one.start, one.order, key) for key, one in self._shares.items()]
            heapq.heapify(self._heap)

    def _drop(self, job: J, share: _Share[J]) -> None:
        del share.jobs[job]
        share.work -= job.work
        self._length -= 1
        self._work -= job.work
        if not share.jobs:
            del self._shares[job.share]
            self._owe(job.share, share.start)
        if not self._length:  # nobody waits: nobody is owed anything
            self._debts.clear()
            self._heap.clear()
            self._work = 0.0

    def _owe(self, name: bytes, tag: float) -> None:
        """Remember the tag of a share without jobs for as long as it lies ahead."""
        self._debts.pop(name, None)
        if tag > self._now:
            if len(self._debts) >= DEBTS_MAX:
                self._debts.clear()
            self._debts[name] = tag
