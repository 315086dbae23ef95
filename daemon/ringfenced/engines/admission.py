"""The door of an engine: who may wait, who is told at once that it is no use, whose turn it is.

Every engine of ours that computes has one. It keeps the only queue (`schedule/fair.py`), measures how fast places come
free (`schedule/pace.py`), and knows nothing of sockets or of what computes::

    ticket = admission.ticket(answer, command, prompt_tokens=90, answer_tokens_max=200)
    refused = admission.ask(ticket, is_free=...)         # None, or who must be told what
    while (ticket := admission.head()) and <it fits>:
        admission.begin(ticket)                          # then compute ticket.item
    admission.first_token(ticket)                        # measured
    admission.end(ticket, answer_tokens=17)              # its place is free

A request whose deadline cannot be kept is refused at the door (``too_late``), because it would only make others wait.
Nothing is refused on a guess: before anything was measured, or while nothing runs, all are let in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.model import Priority
from ringfenced.schedule.fair import FairQueue
from ringfenced.schedule.pace import Pace, expected_wait_s, work_of
from ringfenced.schedule.shares import Job

T = TypeVar("T")


@dataclass(eq=False, slots=True, kw_only=True)
class Ticket(Job, Generic[T]):
    """A request's claim to a place."""

    item: T = field(repr=False)
    """What asked."""
    prompt_tokens: int
    """Tokens of its prompt that have to be read."""
    began_s: float = 0.0
    """When it got its place, on the monotonic clock."""
    is_first: bool = True
    """Whether its first token is still to come."""


@dataclass(frozen=True, slots=True)
class Refused(Generic[T]):
    """Who must be told that it cannot run."""

    ticket: Ticket[T]
    """Whose request: the newcomer's, or one that had to make room for it."""
    reason: str
    """``overloaded`` or ``too_late`` (engine.proto)."""
    numbers: dict[str, int]
    """What goes with the reason."""


class Admission(Generic[T]):
    """Those who wait and those who have a place. One thread."""

    def __init__(self, *, queue_max: int, clock: Callable[[], float]) -> None:
        """Begin with none.

        Args:
            queue_max: most requests of each class of priority that wait.
            clock: monotonic time in seconds.
        """
        self._queue: FairQueue[Ticket[T]] = FairQueue(queue_max)
        self._running: dict[Ticket[T], None] = {}
        self._pace = Pace()
        self._clock = clock

    # ── at the door ──────────────────────────────────────────────────────────────────────────────────────────────

    def ticket(
        self,
        item: T,
        command: engine_pb2.EngineSubmit | engine_pb2.EngineEmbed,
        *,
        prompt_tokens: int,
        answer_tokens_max: int,
    ) -> Ticket[T]:
        """Make a request's ticket.

        Args:
            item: what asks.
            command: what was asked: whose share, which class, until when.
            prompt_tokens: tokens of its prompt that have to be read, cached ones not counted.
            answer_tokens_max: most tokens of its answer; 0 for an embedding.
        """
        is_batch = command.priority == types_pb2.PRIORITY_BATCH
        return Ticket(
            item=item,
            share=command.share,
            weight=max(1, command.weight),
            priority=Priority.BATCH if is_batch else Priority.INTERACTIVE,
            deadline_s=self._clock() + command.deadline_ms / 1000 if command.deadline_ms else math.inf,
            prompt_tokens=prompt_tokens,
            work=work_of(prompt_tokens, self._pace.expected_tokens(answer_tokens_max)),
        )

    def ask(self, ticket: Ticket[T], *, is_free: bool) -> Refused[T] | None:
        """Let a request wait.

        Args:
            ticket: the request's.
            is_free: whether it would fit in now, as far as room goes.

        Returns:
            None, or who must be told that it cannot run: the newcomer, or one that had to make room for it.
        """
        is_next = is_free and not self._queue
        wait_s = 0.0 if is_next else self.wait_s(ticket)
        if self._running and wait_s is not None:
            first_s = self._pace.expected_first_token_s(ticket.prompt_tokens) or 0.0
            if self._clock() + wait_s + first_s > ticket.deadline_s:
                return Refused(ticket, "too_late", {"wait_ms": math.ceil((wait_s + first_s) * 1000)})
        gone = self._queue.push(ticket, is_bounded=not is_next)
        if gone is None:
            return None
        wait_s = self.wait_s(gone)
        numbers = {} if wait_s is None else {"retry_after_ms": max(1, math.ceil(wait_s * 1000))}
        return Refused(gone, "overloaded", numbers)

    def wait_s(self, ticket: Ticket[T]) -> float | None:
        """Return how long a ticket that does not wait yet would wait for a place, in seconds; None before measures."""
        return self._expected(ticket.priority, ticket.share, ticket.weight, ticket.work)

    def leave(self, ticket: Ticket[T]) -> None:
        """Take out a request that waits."""
        self._queue.remove(ticket)

    def expire(self) -> list[Ticket[T]]:
        """Take out and return those whose deadline passed while they waited."""
        return self._queue.expire(self._clock())

    @property
    def deadline_s(self) -> float:
        """No deadline of those that wait is earlier; infinite for none."""
        return self._queue.deadline_s

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    def __iter__(self) -> Iterator[Ticket[T]]:
        """Those that wait."""
        return iter(self._queue)

    def __contains__(self, ticket: Ticket[T]) -> bool:
        """Whether it waits."""
        return ticket in self._queue

    # ── in and out ───────────────────────────────────────────────────────────────────────────────────────────────

    def head(self) -> Ticket[T] | None:
        """Return whose turn it is; None where nobody waits."""
        return self._queue.peek()

    def newcomer(self) -> Ticket[T] | None:
        """Return whose turn it is among the interactive ones whose share has no place; None where there is none."""
        return self._queue.peek_besides({ticket.share for ticket in self._running})

    def begin(self, ticket: Ticket[T] | None = None) -> Ticket[T]:
        """Give a place to the one whose turn it is, or to a newcomer."""
        ticket = self._queue.pop(ticket)
        ticket.began_s = self._clock()
        self._running[ticket] = None
        return ticket

    def first_token(self, ticket: Ticket[T]) -> None:
        """Note that a request's first token is there."""
        if ticket.is_first:
            ticket.is_first = False
            self._pace.add_first_token(self._clock() - ticket.began_s, ticket.prompt_tokens)

    def tokens(self, seconds: float, tokens: int = 1) -> None:
        """Note how long a stream took for its next tokens, the first left out."""
        self._pace.add_tokens(seconds, tokens)

    def end(self, ticket: Ticket[T], *, prompt_tokens: int, answer_tokens: int) -> None:
        """Take a place back; its share is charged for what it really took.

        Args:
            ticket: whose.
            prompt_tokens: tokens of its prompt that were read.
            answer_tokens: tokens that were made.
        """
        del self._running[ticket]
        self._pace.add_answer(self._clock() - ticket.began_s, prompt_tokens, answer_tokens)
        self._queue.correct(ticket, work_of(prompt_tokens, answer_tokens))

    # ── what others are told ─────────────────────────────────────────────────────────────────────────────────────

    def load(self, *, places: int, places_max: int = 0) -> engine_pb2.EngineLoad:
        """Say how busy the engine is; without what the cache holds.

        Args:
            places: how many it runs at once.
            places_max: the same with places that are held for shares that have nothing running; 0 for none such.
        """
        is_free = not self._queue and len(self._running) < places
        work = self._pace.work or 1.0
        waits = [0 if is_free else self._expected(priority, None, 1, work) or 0 for priority in Priority]
        return engine_pb2.EngineLoad(
            running=len(self._running),
            waiting_interactive=self._queue.waiting(Priority.INTERACTIVE),
            waiting_batch=self._queue.waiting(Priority.BATCH),
            wait_interactive_ms=math.ceil(waits[0] * 1000),
            wait_batch_ms=math.ceil(waits[1] * 1000),
            wait_newcomer_ms=0 if len(self._running) < places_max else math.ceil(waits[0] * 1000),
            first_token_ms=math.ceil((self._pace.first_token_s or 0) * 1000),
            token_ms=(self._pace.token_s or 0) * 1000,
        )

    def _expected(self, priority: Priority, share: bytes | None, weight: int, work: float) -> float | None:
        work_s = self._pace.work_s
        if work_s is None:
            return None
        now_s = self._clock()
        running = ((one.work, now_s - one.began_s) for one in self._running)
        return expected_wait_s(work_s, self._queue.ahead(priority, share, weight, work), running)
