"""What waits for a place in an engine, and what is next: two classes, fair shares in each, bounds, deadlines. Pure.

- **Class.** Interactive jobs go before batch jobs, but batch jobs are not starved: while both wait, a batch job goes
  once the interactive work begun since the last one is `BATCH_PART` - 1 times its own. Batch has so a sixteenth.
- **Share.** Within a class departments share by weight (`shares.py`); within a share, first come, first served.
- **Bound.** Each class holds so many. Where it is full, the share that holds most for its weight gives up its newest
  job for a newcomer that holds less. A flood fills the line, but it shuts nobody out: who holds less than an equal part
  always finds room. (Longest queue drop: Suter, Lakshman, Stiliadis, Choudhury, INFOCOM 1998.)
- **Deadline.** A job whose deadline has passed leaves.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic

from ringfenced.model import Priority
from ringfenced.schedule.shares import J, Shares

BATCH_PART = 16
"""One part in so many of the work is batch work where both wait: chosen, so that nothing waits for ever."""

_STALE_MIN = 64
"""Dead entries of the heap of deadlines that are not worth clearing away."""


class FairQueue(Generic[J]):
    """The jobs that wait. Costs are those of `Shares`."""

    def __init__(self, length_max: int) -> None:
        """Begin with none.

        Args:
            length_max: most jobs of each class that wait.
        """
        self._length_max = length_max
        self._interactive: Shares[J] = Shares()
        self._batch: Shares[J] = Shares()
        self._passed = 0.0
        """Interactive work begun since batch jobs were passed over first."""
        self._deadlines: list[tuple[float, int, J]] = []
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._interactive) + len(self._batch)

    def __contains__(self, job: J) -> bool:
        return job in self._class(job.priority)

    def __iter__(self) -> Iterator[J]:
        yield from self._interactive
        yield from self._batch

    def waiting(self, priority: Priority) -> int:
        """Return how many jobs of a class wait."""
        return len(self._class(priority))

    @property
    def deadline_s(self) -> float:
        """The earliest deadline of those that wait, or an earlier one of a job that has gone; infinite for none."""
        return self._deadlines[0][0] if self._deadlines else float("inf")

    def push(self, job: J, *, is_bounded: bool = True) -> J | None:
        """Let a job wait.

        Args:
            job: the job.
            is_bounded: whether the bound counts; a job that is popped at once waits nowhere.

        Returns:
            None; or the job that must go for it, which waits no more; or the job itself, which found no room.
        """
        line = self._class(job.priority)
        gone: J | None = None
        if is_bounded and len(line) >= self._length_max:
            gone = line.longest(job)
            if gone is None:
                return job
            self.remove(gone)
        line.push(job)
        if job.deadline_s < float("inf"):
            self._numbers += 1
            heapq.heappush(self._deadlines, (job.deadline_s, self._numbers, job))
            if len(self._deadlines) > 2 * len(self) + _STALE_MIN:
                self._deadlines = [entry for entry in self._deadlines if entry[2] in self]
                heapq.heapify(self._deadlines)
        return gone

    def peek(self) -> J | None:
        """Return the next job; None where none waits."""
        line = self._next()
        return line.peek() if line is not None else None

    def pop(self) -> J:
        """Take the next job out and charge its share; there must be one."""
        line = self._next()
        assert line is not None
        job = line.pop()
        if line is self._interactive and self._batch:
            self._passed += job.work
        else:
            self._passed = 0.0
        return job

    def remove(self, job: J) -> None:
        """Take a waiting job out; its share is not charged."""
        self._class(job.priority).remove(job)

    def correct(self, job: J, work: float) -> None:
        """Charge a popped job's share for what it really took instead of what was expected."""
        self._class(job.priority).correct(job, work)

    def expire(self, now_s: float) -> list[J]:
        """Take out and return the jobs whose deadline has passed, the earliest first."""
        late: list[J] = []
        while self._deadlines and self._deadlines[0][0] <= now_s:
            job = heapq.heappop(self._deadlines)[2]
            if job in self:
                self.remove(job)
                late.append(job)
        return late

    def ahead(self, priority: Priority, share: bytes | None, weight: int, work: float) -> float:
        """Estimate the work that would be begun before a new job. Costs the number of shares.

        Args:
            priority: its class.
            share: whose; None for one that never came before.
            weight: of that share.
            work: its own, in the unit of all jobs.
        """
        ahead = self._class(priority).ahead(share, weight)
        times = BATCH_PART - 1
        if priority is Priority.BATCH:
            return ahead + min(self._interactive.work, max(0.0, times * (ahead + work) - self._passed))
        return ahead + min(self._batch.work, (self._passed + ahead) / times if self._batch else 0.0)

    def _class(self, priority: Priority) -> Shares[J]:
        return self._batch if priority is Priority.BATCH else self._interactive

    def _next(self) -> Shares[J] | None:
        """Return the class whose turn it is."""
        if self._batch and (not self._interactive or self._passed >= (BATCH_PART - 1) * self._batch.peek().work):
            return self._batch
        return self._interactive or None
