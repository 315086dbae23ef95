"""The wallets on SQLite: one writer in the site.

Balances and holds live in memory, where `reserve` checks and takes in one step without an await, so that no
interleaving can overdraw (DESIGN.md, invariant 7). Holds are never written: a crash releases them by itself. What was
spent is written behind by one thread, which commits all that waits in one transaction (WAL, ``synchronous=FULL``).

    reserve ──▶ held ──settle──▶ spent (memory) ──▶ journal ──▶ one commit for all that waits
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ringfenced.errors import Internal, NotFound, WalletEmpty
from ringfenced.model import Wallet

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
"""

GATHER_S = 0.05
"""How long the writer gathers settlements before it commits them together, in seconds: a commit a request would cost
more than the rest of the request, and what a crash may forget is at most this much of local work."""

RETRY_S = 1.0
"""How long the writer waits after a failed commit, in seconds."""


class Settlement(NamedTuple):
    """One row of the journal."""

    request_id: str
    department: str
    amount_microcredits: int
    settled_unix_ms: int


def _totals(rows: list[Settlement]) -> Counter[str]:
    """What each department spent in `rows`."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row.department] += row.amount_microcredits
    return totals


class _Balance:
    """One department's numbers; mutable, owned by the ledger."""

    __slots__ = ("granted", "held", "holds", "spent")

    def __init__(self, granted: int, spent: int) -> None:
        self.granted = granted
        self.spent = spent
        self.held = 0
        self.holds: dict[str, int] = {}


class SqliteLedger:
    """The ledger of one site. Its methods may be called from many tasks of one event loop."""

    def __init__(self, path: Path, grants: Mapping[str, int], wall_clock_ms: Callable[[], int]) -> None:
        """Open, or make, the ledger at `path`.

        Args:
            path: the database file; its folder exists.
            grants: microcredits granted to each department, in all.
            wall_clock_ms: Unix time in milliseconds.

        Raises:
            sqlite3.Error: it cannot be opened or is no ledger.
        """
        self._path = path
        self._wall_clock_ms = wall_clock_ms
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA)
            spent = dict(connection.execute("SELECT department, amount_microcredits FROM spent"))
        finally:
            connection.close()
        path.chmod(0o600)
        self._balances = {name: _Balance(granted, int(spent.get(name, 0))) for name, granted in grants.items()}
        self._waiting: queue.SimpleQueue[Settlement | None] = queue.SimpleQueue()
        self._failure = ""
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._writer.start()

    @property
    def failure(self) -> str:
        """Why settlements are not being written at present; empty while they are."""
        return self._failure

    async def wallet(self, department: str) -> Wallet:
        """A department's wallet.

        Raises:
            NotFound: no such department.
        """
        balance = self._balance(department)
        return Wallet(department, balance.granted, balance.spent, balance.held)

    async def reserve(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Hold `amount_microcredits` for a request; atomic, for nothing is awaited in between.

        Raises:
            WalletEmpty: the hold would overdraw; carries the numbers.
            Internal: the request already holds something.
        """
        balance = self._balance(department)
        if request_id in balance.holds:
            raise Internal("A request held twice; nothing was charged.")
        available = balance.granted - balance.spent - balance.held
        if amount_microcredits > available:
            raise WalletEmpty(
                f"The wallet of {department} has {available} microcredits left and this request needs "
                f"{amount_microcredits}. Ask for fewer tokens (tokens_max) or have the wallet filled.",
                numbers={
                    "needed_microcredits": amount_microcredits,
                    "available_microcredits": available,
                    "granted_microcredits": balance.granted,
                    "held_microcredits": balance.held,
                },
            )
        balance.holds[request_id] = amount_microcredits
        balance.held += amount_microcredits

    def settle(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Release a request's hold and book what it cost, never more than it held; unknown holds are passed over."""
        balance = self._balances.get(department)
        held = balance.holds.pop(request_id, None) if balance else None
        if balance is None or held is None:
            return
        amount = max(0, min(amount_microcredits, held))
        balance.held -= held
        balance.spent += amount
        assert balance.held >= 0
        assert balance.spent + balance.held <= max(balance.granted, balance.spent)
        if amount:
            self._waiting.put(Settlement(request_id, department, amount, self._wall_clock_ms()))

    def departments(self) -> tuple[str, ...]:
        """Every department that has a wallet."""
        return tuple(self._balances)

    def close(self) -> None:
        """Write all that waits, then stop the writer."""
        self._closing.set()
        self._waiting.put(None)
        self._writer.join(timeout=10)

    def _balance(self, department: str) -> _Balance:
        balance = self._balances.get(department)
        if balance is None:
            raise NotFound(
                f"{department} has no wallet. Add it under [[departments]].",
                reason="wallet_unknown",
                suggestions=tuple(sorted(self._balances)[:5]),
            )
        return balance

    # ── the writer's thread ──────────────────────────────────────────────────────────────────────────────────────────

    def _write(self) -> None:
        """Commit what waits, all of it at once, until closed; after a failure the same rows are tried again."""
        rows: list[Settlement] = []
        open_ = True
        while open_ or rows:
            if open_ and not rows:
                open_ = self._gather(rows)
            if rows and not self._commit(rows):
                if not open_:
                    return
                time.sleep(RETRY_S)
                continue
            rows.clear()

    def _gather(self, rows: list[Settlement]) -> bool:
        """Wait for one row, give others time to come, and take all that are there; False once closed."""
        item = self._waiting.get()
        self._closing.wait(GATHER_S)
        while item is not None:
            rows.append(item)
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return True
        return False

    def _commit(self, rows: list[Settlement]) -> bool:
        try:
            connection = sqlite3.connect(self._path)
            with contextlib.closing(connection), connection:
                connection.execute("PRAGMA synchronous=FULL")
                connection.executemany("INSERT INTO settlement VALUES (?, ?, ?, ?)", rows)
                connection.executemany(
                    "INSERT INTO spent VALUES (?, ?) ON CONFLICT (department) "
                    "DO UPDATE SET amount_microcredits = amount_microcredits + excluded.amount_microcredits",
                    _totals(rows).items(),
                )
        except sqlite3.Error as error:
            self._failure = f"settlements cannot be written ({error.sqlite_errorname}); check the disk"
            return False
        self._failure = ""
        return True
