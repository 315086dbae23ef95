"""What else one would do to make an entry durable before going on: sides with one `append`, none with a Merkle tree."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from log_parts.entries import entry, fields
from log_parts.growing import KEY, ORIGIN
from ringfence_agent.entry import Kind
from ringfence_agent.journal import Journal


class Side(Protocol):
    """Something that makes entries durable."""

    async def append(self) -> None:
        """One more; durable on return."""


class Ours:
    """The agent's journal; with `proven`, each caller also takes its proof, as a receipt needs it."""

    def __init__(self, journal: Journal, *, proven: bool) -> None:
        """Wire."""
        self._journal = journal
        self._proven = proven
        self._fields = fields()

    async def append(self) -> None:
        """One more."""
        index = await self._journal.append(Kind.REFUSAL, self._fields)
        if self._proven:
            self._journal.prove(index)


class Naive:
    """A file; every entry is written and synced for itself."""

    def __init__(self, directory: Path) -> None:
        """Begin a file."""
        self._file = os.open(directory / "naive", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._thread = ThreadPoolExecutor(1)
        self._line = entry(0) + b"\n"

    async def append(self) -> None:
        """One more."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write)

    def _write(self) -> None:
        os.write(self._file, self._line)
        os.fdatasync(self._file)


class Sqlite:
    """SQLite with a write-ahead log and synchronous=FULL; one commit an entry, or one for all that wait."""

    def __init__(self, directory: Path, *, grouped: bool) -> None:
        """Begin a database."""
        self._thread = ThreadPoolExecutor(1)
        self._path = directory / "log.sqlite"
        self._grouped = grouped
        self._pending: list[asyncio.Future[None]] = []
        self._writing = False
        self._row = (entry(0),)
        self._thread.submit(self._open).result()

    async def append(self) -> None:
        """One more."""
        loop = asyncio.get_running_loop()
        if not self._grouped:
            await loop.run_in_executor(self._thread, self._write, 1)
            return
        done: asyncio.Future[None] = loop.create_future()
        self._pending.append(done)
        if not self._writing:
            self._writing = True
            loop.call_soon(self._next)
        await done

    def _next(self) -> None:
        """Write all that wait, and again while some do."""
        batch, self._pending = self._pending, []
        self._writing = bool(batch)
        if batch:
            written = asyncio.get_running_loop().run_in_executor(self._thread, self._write, len(batch))
            written.add_done_callback(lambda _: self._wrote(batch))

    def _wrote(self, batch: list[asyncio.Future[None]]) -> None:
        for done in batch:
            done.set_result(None)
        asyncio.get_running_loop().call_soon(self._next)

    def _open(self) -> None:
        self._base = sqlite3.connect(self._path, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)")

    def _write(self, count: int) -> None:
        self._base.execute("BEGIN")
        self._base.executemany("INSERT INTO log (entry) VALUES (?)", [self._row] * count)
        self._base.execute("COMMIT")


def sides() -> dict[str, Callable[[Path], object]]:
    """Every side by name: a context that gives it, in a folder of its own."""
    return {
        "ours": lambda folder: _ours(folder, proven=False),
        "ours, proven": lambda folder: _ours(folder, proven=True),
        "one fdatasync an entry": lambda folder: _plain(Naive(folder)),
        "SQLite, one commit an entry": lambda folder: _plain(Sqlite(folder, grouped=False)),
        "SQLite, group commit": lambda folder: _plain(Sqlite(folder, grouped=True)),
    }


@asynccontextmanager
async def _ours(folder: Path, *, proven: bool) -> AsyncIterator[Side]:
    journal = Journal(folder / "log", ORIGIN, KEY, lambda: time.time_ns() // 1_000_000)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        try:
            yield Ours(journal, proven=proven)
        finally:
            journal.stop()


@asynccontextmanager
async def _plain(side: Side) -> AsyncIterator[Side]:
    yield side
