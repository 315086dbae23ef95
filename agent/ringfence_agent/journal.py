"""The egress log: durable, ordered, provable. One task writes; many wait.

    submit → pending → one batch → write, fdatasync (in a thread) → tree, folds → the waiters go on

Entries that are submitted while a batch is being written share the next one's fdatasync. The tree, the folds and the
checkpoints hold only what is durable. Each second another thread writes the newest checkpoint and the tree's tiles, now
and then a snapshot of the folds; a third compares old entries with their hashes. After the first error of the disk
nothing is appended any more: whether an entry is durable can then not be known, so egress ends until the agent is
started again and has opened its log anew. Times never go back, whatever the clock does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.tiles import ENTRY_BYTES_MAX
from ringfence_agent.entry import VERSION, Fields, Kind, Outcome, canonical, outcome
from ringfence_agent.folds import REMEMBERED_MS, Fold, Recovered
from ringfence_agent.logerror import LogError
from ringfence_agent.logstore import LogStore, Proof
from ringfence_agent.scrub import SCRUB_ENTRIES_PER_S, STEP_ENTRIES
from ringfence_agent.segments import SEGMENT_ENTRIES

__all__ = ["REMEMBERED_MS", "Journal", "LogError", "Proof"]

CHECKPOINT_EVERY_S: Final = 1.0
"""A log that grows has a newer checkpoint on disk at least this often."""
BATCH_ENTRIES_MAX: Final = 4096
PENDING_ENTRIES_MAX: Final = 65_536
"""More do not wait at a time."""
DISK_SECONDS_MAX: Final = 3.0
"""A disk that has not answered for so long takes no new entries until it does."""
SCRUB_PAUSE_S: Final = 24 * 3600.0
"""Between the end of one pass over old entries and the beginning of the next."""

_RECOVERED: Final = "recovered"


class _Waiting(NamedTuple):
    """An entry in line."""

    entry: bytes
    record: Mapping[str, Any]
    done: asyncio.Future[int]


class Journal:
    """The log of one agent. For one event loop; `run` must be running for anything to become durable."""

    def __init__(
        self,
        directory: Path,
        origin: str,
        key: Ed25519PrivateKey,
        unix_ms: Callable[[], int],
        folds: Mapping[str, Fold] = MappingProxyType({}),
        *,
        own: Callable[[str], str] = str,
        checked: Callable[[int, int], None] = lambda _done, _size: None,
        segment_entries: int = SEGMENT_ENTRIES,
    ) -> None:
        """Open the log, and check what it promised (`ringfence_agent.opening` says how much of it is read).

        Args:
            directory: the log's folder; made where it is missing.
            origin: the log's name.
            key: signs its checkpoints and snapshots.
            unix_ms: wall clock in milliseconds. Entries' times never go back, whatever it does.
            folds: by name, what sees every durable entry in order; a name stands for one form of dump.
            own: adds the log's further signatures to a checkpoint that goes to disk; called in a thread.
            checked: told at each quarter of a pass over old entries how many were compared, of how many.
            segment_entries: a full segment's entries; tests have smaller ones.

        Raises:
            LogError: the log is damaged, does not match its promises, or belongs to another process.
        """
        self._unix_ms = unix_ms
        self._checked = checked
        self._pending: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._grown: asyncio.Future[None] | None = None
        self._stopping = False
        self._dismissed = False
        self._failure = ""
        self._stalled = ""
        self.recovered = Recovered()
        """What the log says of open intents and used permits."""
        whole: dict[str, Fold] = {_RECOVERED: self.recovered, **folds}
        self._store = LogStore(directory, origin, key, whole, own=own, segment_entries=segment_entries)
        self._submitted = self.size
        self._newest_unix_ms = self.recovered.newest_unix_ms
        self._writer = ThreadPoolExecutor(1, "log-writer")
        self._keeper = ThreadPoolExecutor(1, "log-keeper")
        self._scrubber = ThreadPoolExecutor(1, "log-scrub")

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._store.size

    @property
    def cut_bytes(self) -> int:
        """How much of a torn end was cut when the log was opened."""
        return self._store.cut_bytes

    @property
    def failure(self) -> str:
        """Why nothing can be appended now; empty while all is well."""
        return self._failure or self._stalled

    # ── appending ────────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, kind: Kind, fields: Fields) -> asyncio.Future[int]:
        """Put an entry in line; the future gives its index once it is durable.

        Whoever stops waiting does not take the entry out of the line.

        Raises:
            LogError: nothing can be appended now, or the entry is too long.
        """
        if self.failure or self._stopping:
            raise LogError(self.failure or "the log is closed")
        if len(self._pending) >= PENDING_ENTRIES_MAX:
            raise LogError(f"{PENDING_ENTRIES_MAX} entries wait for the disk; try again later")
        record = {**fields, "v": VERSION, "kind": kind, "seq": self._submitted, "time_unix_ms": self.now_unix_ms()}
        entry = canonical(record)
        if len(entry) > ENTRY_BYTES_MAX:
            raise LogError(f"an entry of {len(entry)} bytes; the log takes {ENTRY_BYTES_MAX} at most")
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pending.append(_Waiting(entry, record, done))
        self._submitted += 1
        self._wake.set()
        return done

    async def append(self, kind: Kind, fields: Fields) -> int:
        """Append an entry; durable on return, under the index returned. LogError where it is not."""
        return await self.submit(kind, fields)

    def now_unix_ms(self) -> int:
        """The clock, but never before what it or any entry said earlier: no clock makes a permit fresh again."""
        self._newest_unix_ms = max(self._newest_unix_ms, self._unix_ms())
        return self._newest_unix_ms

    async def run(self) -> None:
        """Write what is submitted, until `stop`; goes into its owner's TaskGroup."""
        try:
            async with asyncio.TaskGroup() as group:
                upkeep = group.create_task(self._keep_up())
                scrub = group.create_task(self._scrub())
                await self._write_entries()
                upkeep.cancel()
                scrub.cancel()
            await self._write_upkeep(last=True)
        finally:
            self._fail("the log is closed")
            for thread in (self._scrubber, self._keeper, self._writer):
                thread.shutdown()
            self._store.close()

    def stop(self) -> None:
        """End `run` once everything submitted is durable."""
        self._stopping = True
        self._wake.set()

    def resume(self, fields: Fields) -> None:
        """Begin a run: say so, and close every intent that the last run left open."""
        self.submit(Kind.START, {**fields, "cut_bytes": self.cut_bytes})
        for index, record in self.recovered.open_intents.items():
            self.submit(
                Kind.OUTCOME, outcome(index, record, Outcome.UNKNOWN, reason="restart", bytes_in=None, usage={})
            )

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def checkpoint(self) -> str:
        """A signed checkpoint of everything that is durable now; signed once, however many ask."""
        return self._store.checkpoint()

    def prove(self, index: int, size: int = 0) -> Proof:
        """An entry with its proof.

        Args:
            index: which entry.
            size: the tree to prove it in; 0 for the newest checkpoint's, which then comes with it.

        Raises:
            ProofError: there is no such entry, or no such tree.
            LogError: the entry is not as it was written; nothing is appended any more.
        """
        try:
            return self._store.prove(index, size)
        except LogError as error:
            self._distrust(str(error))
            raise

    def consistency(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Proof that the log of `old_size` entries is the beginning of the one of `new_size`; 0 for all."""
        return self._store.consistency(old_size, new_size)

    def read(self, index: int) -> bytes:
        """The exact bytes of a durable entry."""
        return self._store.read(index)

    async def grown(self, size: int) -> bool:
        """Wait until more than `size` entries are durable; False where nobody may wait for that any more.

        That is so once the log failed, and since `dismiss`.
        """
        while self.size <= size:
            if self._failure or self._dismissed:
                return False
            if self._grown is None:
                self._grown = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._grown)
        return True

    def dismiss(self) -> None:
        """Let nobody wait for entries any more: whoever follows the log would hold up the agent's stop."""
        self._dismissed = True
        self._tell()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _write_entries(self) -> None:
        """Batch after batch, until there is nothing more to come."""
        while self._pending or not self._stopping:
            if not self._pending:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch, self._pending = self._pending[:BATCH_ENTRIES_MAX], self._pending[BATCH_ENTRIES_MAX:]
            try:
                leaves = await self._durable([waiting.entry for waiting in batch])
            except OSError as error:
                self._pending[:0] = batch
                self._fail(f"the log cannot be written: {error.strerror}; mend the disk and start the agent again")
            except LogError as error:
                self._pending[:0] = batch
                self._fail(str(error))
            else:
                self._take_in(batch, leaves)

    async def _durable(self, entries: list[bytes]) -> bytes:
        """Make entries durable; gives their leaf hashes. While the disk does not answer, nobody else gets in line."""
        loop = asyncio.get_running_loop()
        stall = loop.call_later(DISK_SECONDS_MAX, self._stall)
        try:
            return await loop.run_in_executor(self._writer, self._store.write, entries)
        finally:
            stall.cancel()
            self._stalled = ""

    def _take_in(self, batch: list[_Waiting], leaves: bytes) -> None:
        """A batch is durable: the log says so, and whoever waited goes on."""
        first = self.size
        self._store.take_in(leaves, [waiting.record for waiting in batch])
        for index, waiting in enumerate(batch, first):
            if not waiting.done.done():
                waiting.done.set_result(index)
        self._tell()

    async def _keep_up(self) -> None:
        """Keep what is written beside the entries no older than `CHECKPOINT_EVERY_S`."""
        while not self._failure:
            await asyncio.sleep(CHECKPOINT_EVERY_S)
            await self._write_upkeep()

    async def _write_upkeep(self, *, last: bool = False) -> None:
        """Look at the files; bring checkpoint and tiles up to date, and the snapshot where it is old or the `last`."""
        if self._failure:
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writer, self._store.look)
            if self._store.kept_size == self.size and not last:
                return
            upkeep = self._store.upkeep(last=last)
            await loop.run_in_executor(self._keeper, self._store.keep, upkeep)
            self._store.settle(upkeep)
        except OSError as error:
            self._fail(f"the checkpoint cannot be written: {error.strerror}; mend the disk and start the agent again")
        except LogError as error:
            self._fail(str(error))

    async def _scrub(self) -> None:
        """Pass after pass over old entries, for as long as they are as they were written."""
        loop = asyncio.get_running_loop()
        while not self._failure:
            scrub = self._store.scrub()
            steps, told = scrub.steps(), 0
            try:
                while await loop.run_in_executor(self._scrubber, _step, steps):
                    if scrub.checked * 4 // scrub.total > told:
                        told = scrub.checked * 4 // scrub.total
                        self._checked(scrub.checked, scrub.total)
                    await asyncio.sleep(STEP_ENTRIES / SCRUB_ENTRIES_PER_S)
            except LogError as error:
                self._distrust(str(error))
                return
            except OSError as error:
                self._fail(f"the log cannot be read: {error.strerror}; mend the disk and start the agent again")
                return
            await asyncio.sleep(SCRUB_PAUSE_S)

    def _stall(self) -> None:
        """The disk does not answer."""
        self._stalled = f"the disk has not answered for {DISK_SECONDS_MAX:g} s; nothing leaves until it does"

    def _distrust(self, why: str) -> None:
        """What is on disk was changed: the next start reads all of it."""
        self._store.distrust()
        self._fail(why)

    def _fail(self, why: str) -> None:
        """Append nothing any more, and let nobody wait for it."""
        self._failure = self._failure or why
        for waiting in self._pending:
            if not waiting.done.done():
                waiting.done.set_exception(LogError(self._failure))
                # A waiter may have gone; the log's own state tells the rest.
                waiting.done.exception()
        self._pending.clear()
        self._wake.set()
        self._tell()

    def _tell(self) -> None:
        """Wake those who wait for the log to grow."""
        if self._grown is not None:
            self._grown.set_result(None)
            self._grown = None


def _step(steps: Any) -> bool:
    """One step more; False at the end."""
    return next(steps, steps) is None
