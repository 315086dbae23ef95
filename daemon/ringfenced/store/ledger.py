"""The wallets: one writer in the site.

Balances and holds live in memory, where `reserve` checks and takes in one step without an await, so that no
interleaving can overdraw (DESIGN.md, invariant 7). Holds are never written: a crash releases them by itself. What was
spent is written behind by the journal's thread; what a request may cost once its bytes leave is written before.

    reserve ──▶ held ──settle──▶ spent (memory) ──▶ journal
                 └──secure──▶ journal: booked if this process dies before it settles
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from ringfenced.errors import Internal, NotFound, Unavailable, WalletEmpty
from ringfenced.model import Wallet
from ringfenced.store.journal import RETRY_S, AtRisk, Journal, Settlement


class _Balance:
    """One department's numbers; mutable, owned by the ledger."""

    __slots__ = ("granted", "held", "holds", "secured", "spent")

    def __init__(self, granted: int, spent: int) -> None:
        self.granted = granted
        self.spent = spent
        self.held = 0
        self.holds: dict[str, int] = {}
        self.secured: set[str] = set()

    def demand(self, department: str, amount: int) -> None:
        """Pass if so much more may be held; WalletEmpty otherwise."""
        available = self.granted - self.spent - self.held
        if amount > max(0, available):
            raise WalletEmpty(
                f"The wallet of {department} has {available} microcredits left and this request needs {amount}. Ask "
                "for fewer tokens (tokens_max) or have the wallet filled.",
                numbers={
                    "needed_microcredits": amount,
                    "available_microcredits": available,
                    "granted_microcredits": self.granted,
                    "held_microcredits": self.held,
                },
            )


class SqliteLedger:
    """The ledger of one site. Its methods may be called from many tasks of one event loop."""

    def __init__(self, path: Path, grants: Mapping[str, int], wall_clock_ms: Callable[[], int]) -> None:
        """Open, or make, the ledger at `path`.

        Args:
            path: the database file; its folder exists.
            grants: microcredits granted to each department, in all.
            wall_clock_ms: Unix time in milliseconds.

        Raises:
            OSError: another daemon has it open.
            sqlite3.Error: it cannot be opened or is no ledger.
        """
        self._wall_clock_ms = wall_clock_ms
        self._journal = Journal(path, wall_clock_ms())
        spent = self._journal.spent
        self._balances = {name: _Balance(granted, spent.get(name, 0)) for name, granted in grants.items()}

    @property
    def failure(self) -> str:
        """Why settlements are not being written at present; empty while they are."""
        return self._journal.failure

    async def wallet(self, department: str) -> Wallet:
        """A department's wallet.

        Raises:
            NotFound: no such department.
        """
        balance = self._balance(department)
        return Wallet(department, balance.granted, balance.spent, balance.held)

    glance = wallet
    """Here it is the true one, for nothing."""

    async def reserve(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Hold `amount_microcredits` for a request; atomic, for nothing is awaited in between.

        What costs nothing is granted even where a lowered grant left the wallet below 0.

        Raises:
            WalletEmpty: the hold would overdraw; carries the numbers.
            Internal: the request already holds something.
        """
        balance = self._balance(department)
        if request_id in balance.holds:
            raise Internal("A request held twice; nothing was charged.")
        balance.demand(department, amount_microcredits)
        balance.holds[request_id] = amount_microcredits
        balance.held += amount_microcredits

    async def raise_hold(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Hold `amount_microcredits` in all for a request that holds less; atomic as `reserve` is.

        A hold that is as high already stays as it is.

        Raises:
            WalletEmpty: that would overdraw; the hold is as it was.
            Internal: the request holds nothing.
        """
        balance = self._balance(department)
        held = balance.holds.get(request_id)
        if held is None:
            raise Internal("A request was to hold more without a hold; nothing was charged.")
        if amount_microcredits > held:
            balance.demand(department, amount_microcredits - held)
            balance.holds[request_id] = amount_microcredits
            balance.held += amount_microcredits - held

    async def secure(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Write down what a request that holds may cost, never more than it holds, before its bytes leave.

        From then on it is booked if this process dies before the request settles. A later amount replaces an earlier.

        Raises:
            Unavailable: it is not on the disk, or not for certain; then nothing may leave.
            Internal: the request holds nothing.
        """
        balance = self._balance(department)
        held = balance.holds.get(request_id)
        if held is None:
            raise Internal("A request was to leave without a hold; nothing left.")
        written: Future[bool] = Future()
        balance.secured.add(request_id)
        self._journal.put(AtRisk(request_id, department, min(amount_microcredits, held), written))
        if not self._journal.is_open or not await asyncio.wrap_future(written):
            raise Unavailable(
                "The ledger cannot be written, so nothing may leave this node. Try again; if it stays so, the operator "
                "looks at the disk of the state folder.",
                reason="ledger_failed",
                retry_after_ms=round(RETRY_S * 1000),
            )

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
        if amount or request_id in balance.secured:
            balance.secured.discard(request_id)
            self._journal.put(Settlement(request_id, department, amount, self._wall_clock_ms()))

    def departments(self) -> tuple[str, ...]:
        """Every department that has a wallet."""
        return tuple(self._balances)

    def close(self) -> None:
        """Write all that waits, then stop the writer."""
        self._journal.close()

    def _balance(self, department: str) -> _Balance:
        balance = self._balances.get(department)
        if balance is None:
            raise NotFound(
                f"{department} has no wallet. Add it under [[departments]].",
                reason="wallet_unknown",
                suggestions=tuple(sorted(self._balances)[:5]),
            )
        return balance
