"""The wallets' disk: one SQLite file, one thread that writes it, one daemon that may.

secure ───▶ at_risk ──────────────┐ answered once it is on the disk
settle ───▶ settlement, spent ────┴─▶ one commit for all that waits (WAL, ``synchronous=FULL``)
open   ───▶ what is still at risk was lost with the process that secured it: booked as spent
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ringfenced.store.alone import alone

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settlement (
    request_id TEXT NOT NULL,
    department TEXT NOT NULL,
    amount_microcredits INTEGER NOT NULL CHECK (amount_microcredits >= 0),
    settled_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS settlement_by_department ON settlement (department, settled_unix_ms);
CREATE TABLE IF NOT EXISTS spent (
    department TEXT PRIMARY KEY,
    amount_microcredits INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS at_risk (
    request_id TEXT PRIMARY KEY,
    department TEXT NOT NULL,
    amount_microcredits INTEGER NOT NULL CHECK (amount_microcredits >= 0)
) STRICT, WITHOUT ROWID;
"""

GATHER_S = 0.05
"""How long the writer gathers settlements before it commits them together, in seconds: a commit a request would cost
more than the rest of the request. A crash forgets the settlements of this time and the runs that had not ended, if
they were local; what a provider may have been asked for is secured first, and a `secure` does not wait for this."""

RETRY_S = 1.0
"""How long the writer waits after a failed commit, in seconds; a `secure` tries again at once."""


class Settlement(NamedTuple):
    """What a request cost in the end; 0 writes no settlement and only takes the request out of what is at risk."""

    request_id: str
    department: str
    amount_microcredits: int
    settled_unix_ms: int


class AtRisk(NamedTuple):
    """What a request may cost once its bytes left."""

    request_id: str
    department: str
    amount_microcredits: int
    written: Future[bool]
    """True once the row is on the disk, False if it cannot be written."""


Row = Settlement | AtRisk


class Journal:
    """The file, open and locked. `put` may be called from any thread, `close` from one."""

    def __init__(self, path: Path, unix_ms: int) -> None:
        """Open, or make, the journal at `path`, book what is still at risk there, and begin to write.

        Args:
            path: the database file; its folder exists.
            unix_ms: the time at which what was at risk counts as settled.

        Raises:
            OSError: another daemon has it open.
            sqlite3.Error: it cannot be opened or is no ledger.
        """
        with ExitStack() as stack:
            stack.enter_context(alone(path.with_name(f"{path.name}.lock")))
            path.touch(mode=0o600)
            path.chmod(0o600)
            self._connection = sqlite3.connect(path, check_same_thread=False)  # here first, then only in the writer
            stack.callback(self._connection.close)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_SCHEMA)
            lost = self._connection.execute("SELECT *, ? FROM at_risk", (unix_ms,)).fetchall()
            self._store(list(map(Settlement._make, lost)))
            self.spent: dict[str, int] = dict(self._connection.execute("SELECT * FROM spent"))
            """What each department had spent when this was opened, in microcredits."""
            self._opened = stack.pop_all()
        self.failure = ""
        """Why rows are not being written at present; empty while they are."""
        self._waiting: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._writer = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._writer.start()

    @property
    def is_open(self) -> bool:
        """Whether a row that is put will be looked at."""
        return self._writer.is_alive()

    def put(self, row: Row) -> None:
        """Have a row written after those before it."""
        self._waiting.put(row)
        if isinstance(row, AtRisk):
            self._hurry.set()

    def close(self) -> None:
        """Write all that waits, then let go of the file; after 10 s the end of the process does that."""
        self._waiting.put(None)
        self._hurry.set()
        self._writer.join(timeout=10)

    # ── the writer's thread ──────────────────────────────────────────────────────────────────────────────────────────

    def _write(self) -> None:
        """Commit what waits, all of it at once, until closed; after a failure settlements are tried again."""
        rows: list[Row] = []
        open_ = True
        with self._opened:
            while open_:
                open_ = self._gather(rows)
                written = self._commit(rows)
                for row in rows:
                    if isinstance(row, AtRisk) and row.written.set_running_or_notify_cancel():
                        row.written.set_result(written)
                rows = [] if written else [row for row in rows if isinstance(row, Settlement)]

    def _gather(self, rows: list[Row]) -> bool:
        """Wait for one row, or to try again; give others time to come, and take all there are; False once closed."""
        if rows:
            self._hurry.wait(RETRY_S)
        else:
            first = self._waiting.get()
            if first is None:
                return False
            rows.append(first)
            self._hurry.wait(GATHER_S)
        self._hurry.clear()
        with contextlib.suppress(queue.Empty):
            while (row := self._waiting.get_nowait()) is not None:
                rows.append(row)
            return False
        return True

    def _commit(self, rows: list[Row]) -> bool:
        try:
            self._store(rows)
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            self.failure = f"the ledger cannot be written ({name}); check the disk"
            return False
        self.failure = ""
        return True

    def _store(self, rows: Sequence[Row]) -> None:
        """Write `rows` in one transaction; the last of a request's rows says whether it is still at risk."""
        settled = [row for row in rows if isinstance(row, Settlement) and row.amount_microcredits]
        last = {row.request_id: row for row in rows}
        at_risk = [row[:3] for row in last.values() if isinstance(row, AtRisk)]
        totals: Counter[str] = Counter()
        for row in settled:
            totals[row.department] += row.amount_microcredits
        with self._connection as connection:
            connection.executemany("DELETE FROM at_risk WHERE request_id = ?", [(request_id,) for request_id in last])
            connection.executemany("INSERT INTO at_risk VALUES (?, ?, ?)", at_risk)
            connection.executemany("INSERT INTO settlement VALUES (?, ?, ?, ?)", settled)
            connection.executemany(
                "INSERT INTO spent VALUES (?, ?) ON CONFLICT (department) "
                "DO UPDATE SET amount_microcredits = amount_microcredits + excluded.amount_microcredits",
                totals.items(),
            )
