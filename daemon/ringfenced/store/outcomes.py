"""What came of requests, kept to learn from: one SQLite file, one thread that writes it, no content.

put ──────▶ request, features, answer ─┐ one commit for all that waits (WAL, ``synchronous=NORMAL``)
rate, tally, forget ───────────────────┴─▶ after what was put before them, answered by a future

A request's id and its caller's department are keyed pseudonyms; a prompt, and an answer that the verifier judged, is
counts of form and hashed n-grams under the node's own salt. Whatever fails here stops learning and is told (`failure`),
and never ends a request: what cannot be written is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from ringfenced.errors import Unavailable
from ringfenced.learn.lesson import Answered, Lesson
from ringfenced.store import outcomes_tables as tables
from ringfenced.store.outcomes_tables import Feedback, Tally

T = TypeVar("T")

NAME: Final = "outcomes.sqlite3"
"""Its name in the state folder."""

GATHER_S: Final = 0.2
"""How long the writer gathers lessons before it commits them together, in seconds; a crash forgets those of this
time."""

PRUNE_S: Final = 60.0
"""How often what is too old or too much is deleted, in seconds."""

WAITING_MAX: Final = 10_000
"""Most lessons that wait for the disk; further ones are dropped."""

VACUUM_PAGES: Final = 4096
"""Most pages given back to the file system at a time: 16 MiB at SQLite's 4 KiB a page, so that nobody waits long."""

DAY_S: Final = 86_400
"""A day in seconds."""


class _Ask(NamedTuple):
    """Something to be done by the writer's thread between two commits."""

    work: Callable[[sqlite3.Connection], Any]
    answer: Future[Any]


class Outcomes:
    """The file. `put` and the questions may be called from any task of one event loop, `close` once."""

    def __init__(self, path: Path, *, keep_days: int, keep_outcomes: int, unix_s: Callable[[], int]) -> None:
        """Open, or make, the file at `path`, and begin to write; one that is broken is told in `failure`.

        Args:
            path: the database file; its folder exists, and whoever calls holds that folder's lock.
            keep_days: how long a request is kept.
            keep_outcomes: most requests that are kept.
            unix_s: Unix time in seconds.
        """
        self.failure = ""
        """Why nothing is learned at present; empty while it is."""
        self.labels = 0
        """How often somebody said how good an answer is, ever: what is deleted counts as well."""
        self.on_label: Callable[[Answered], None] = lambda _: None
        """Called by the writer's thread with each answer that was said to be good or bad, once that is written."""
        self._keep_days = keep_days
        self._keep_outcomes = keep_outcomes
        self._unix_s = unix_s
        self._pruned_s = float("-inf")
        self._waiting: queue.SimpleQueue[Lesson | _Ask | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._writer: threading.Thread | None = None
        try:
            self._connection = tables.opened(path)
            self.labels = tables.count(self._connection, "labels")
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return
        self._writer = threading.Thread(target=self._write, name="outcomes", daemon=True)
        self._writer.start()

    def put(self, lesson: Lesson) -> None:
        """Have a lesson written; never waits. Dropped where the file is broken or the disk cannot follow."""
        if self._writer is not None and self._waiting.qsize() < WAITING_MAX:
            self._waiting.put(lesson)

    async def rate(self, said: Feedback) -> bool:
        """Write down what a caller says of the answer that it got; what it said before is replaced.

        An answer counts as labelled once, however often its caller thinks better of it: else one caller alone could
        have the site learn anew without end, or take a model for one that drifts.

        Returns:
            Whether there is such a request of that owner.

        Raises:
            Unavailable: the file cannot be written.
        """
        rated = await self._ask(lambda connection: self._rate(connection, said))
        if rated is not None and rated.is_first:
            self.on_label(rated.answer)
        return rated is not None

    async def tally(self) -> list[Tally]:
        """How much is known, by segment and model.

        Raises:
            Unavailable: the file cannot be read.
        """
        return await self._ask(tables.tally)

    async def forget(self, model: str) -> int:
        """Delete what is kept of one model's answers, of all where none is named; how many there were.

        Raises:
            Unavailable: the file cannot be written.
        """
        self._pruned_s = float("-inf")
        return await self._ask(lambda connection: tables.forget(connection, model))

    async def count(self, name: str) -> int:
        """A counter that `keep` wrote; 0 where there is none.

        Raises:
            Unavailable: the file cannot be read.
        """
        return await self._ask(lambda connection: tables.count(connection, name))

    async def keep(self, counters: Mapping[str, int]) -> None:
        """Write counters, all or none.

        Raises:
            Unavailable: the file cannot be written.
        """

        def write(connection: sqlite3.Connection) -> None:
            for name, value in counters.items():
                tables.keep(connection, name, value)

        await self._ask(write)

    def close(self) -> None:
        """Write all that waits, then let go of the file; after 10 s the end of the process does that."""
        if self._writer is not None:
            self._waiting.put(None)
            self._hurry.set()
            self._writer.join(timeout=10)

    async def _ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._writer is None or not self._writer.is_alive():
            raise _unavailable(self.failure)
        answer: Future[T] = Future()
        self._waiting.put(_Ask(work, answer))
        self._hurry.set()
        return await asyncio.wrap_future(answer)

    # ── the writer's thread ──────────────────────────────────────────────────────────────────────────────────────────

    def _write(self) -> None:
        """Commit what waits, all of it at once, until closed."""
        with contextlib.closing(self._connection):
            is_open = True
            while is_open:
                jobs, is_open = self._gather()
                lessons: list[Lesson] = []
                for job in jobs:
                    if isinstance(job, Lesson):
                        lessons.append(job)
                        continue
                    self._commit(lessons)
                    lessons = []
                    self._answer(job)
                self._commit(lessons)
                if time.monotonic() - self._pruned_s >= PRUNE_S:
                    self._prune()

    def _gather(self) -> tuple[list[Lesson | _Ask], bool]:
        """Wait for one job, give others time to come, and take all there are; with False once closed."""
        jobs: list[Lesson | _Ask] = []
        first = self._waiting.get()
        if first is None:
            return jobs, False
        jobs.append(first)
        if isinstance(first, Lesson):
            self._hurry.wait(GATHER_S)
        self._hurry.clear()
        with contextlib.suppress(queue.Empty):
            while (job := self._waiting.get_nowait()) is not None:
                jobs.append(job)
            return jobs, False
        return jobs, True

    def _commit(self, lessons: Sequence[Lesson]) -> None:
        if not lessons:
            return
        labelled = [answer for lesson in lessons for answer in lesson.answers if answer.score is not None]
        try:
            with self._connection as connection:
                for lesson in lessons:
                    tables.store(connection, lesson)
                tables.keep(connection, "labels", self.labels + len(labelled))
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:  # a number or a text that is none, too
            self._fail(error)
            return
        self.failure = ""
        self.labels += len(labelled)
        for answer in labelled:
            self.on_label(answer)

    def _answer(self, ask: _Ask) -> None:
        if not ask.answer.set_running_or_notify_cancel():
            return
        try:
            with self._connection as connection:
                said = ask.work(connection)
        except sqlite3.Error as error:
            self._fail(error)
            ask.answer.set_exception(_unavailable(self.failure))
        else:
            ask.answer.set_result(said)

    def _rate(self, connection: sqlite3.Connection, said: Feedback) -> tables.Rated | None:
        rated = tables.rate(connection, said, at_unix_s=self._unix_s(), oldest_unix_s=self._oldest())
        if rated is not None and rated.is_first:
            tables.keep(connection, "labels", self.labels + 1)
            self.labels += 1
        return rated

    def _prune(self) -> None:
        """Delete what is too old or too much, and give its space back."""
        self._pruned_s = time.monotonic()
        try:
            with self._connection as connection:
                tables.prune(connection, oldest_unix_s=self._oldest(), requests_max=self._keep_outcomes)
            self._connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")  # `execute` steps but once
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            self._fail(error)

    def _oldest(self) -> int:
        return self._unix_s() - self._keep_days * DAY_S

    def _fail(self, error: Exception) -> None:
        name = getattr(error, "sqlite_errorname", None) or type(error).__name__
        self.failure = (
            f"nothing is learned: the outcomes cannot be written ({name}); check the disk of the state folder, or move "
            "outcomes.sqlite3 away and restart"
        )


def _unavailable(why: str) -> Unavailable:
    return Unavailable(
        f"{why[0].upper()}{why[1:]}." if why else "The daemon is ending, so nothing is learned. Try again in a second.",
        reason="learning_failed",
    )
