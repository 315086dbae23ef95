"""The egress log: durable, ordered, provable. One task writes; many wait.

    submit → pending → one batch → write, fdatasync (in a thread) → tree → the waiters go on

Entries that are submitted while a batch is being written share the next one's fdatasync. The tree and the checkpoints
hold only what is durable. After the first error of the disk nothing is appended any more: whether an entry is durable
can then not be known, so egress ends until the agent is started again and has read its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.translog import Checkpoint, ProofError, Tree, leaf_hash, open_checkpoint, sign_checkpoint
from ringfence_agent.entry import VERSION, Fields, Kind, Outcome, canonical, outcome
from ringfence_agent.segments import LogError, Segments

CHECKPOINT_EVERY_S: Final = 1.0
"""A log that grows has a newer checkpoint on disk at least this often."""
BATCH_ENTRIES_MAX: Final = 4096
REMEMBERED_MS: Final = 60_000
"""How far back nonces are taken from the log; twice a permit's life."""


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry, and the proof that the log holds it."""

    entry: bytes
    """Its exact bytes."""
    index: int
    """Where it stands."""
    inclusion_path: tuple[bytes, ...]
    """From the leaf to the root."""
    checkpoint: str
    """Signed checkpoint that the path leads to; empty where an older tree was asked for."""


class Fold(Protocol):
    """What somebody makes of the log, entry by entry: at the start of those that are there, then of each new one."""

    def see(self, index: int, record: Mapping[str, Any]) -> None:
        """Take in one durable entry."""
        ...

    def dump(self) -> object:
        """What was made of all entries seen, as JSON."""
        ...

    def load(self, value: Any) -> None:
        """Begin with what `dump` gave."""
        ...


@dataclass(slots=True)
class Recovered:
    """What a log says about the time before it was opened."""

    open_intents: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """Intents without an outcome, by index."""
    nonces: dict[str, int] = field(default_factory=dict)
    """Digest of each nonce of the last `REMEMBERED_MS`, and when its entry was written."""
    newest_unix_ms: int = 0
    """Time of the newest entry."""

    def see(self, index: int, record: Mapping[str, Any]) -> None:
        """Take in one entry."""
        self.newest_unix_ms = max(self.newest_unix_ms, record["time_unix_ms"])
        if record["kind"] == Kind.INTENT:
            self.open_intents[index] = record
        elif record["kind"] == Kind.OUTCOME:
            self.open_intents.pop(record.get("intent", -1), None)
        if nonce := record.get("nonce_sha256"):
            self.nonces[nonce] = record["time_unix_ms"]
            while self.newest_unix_ms - self.nonces[oldest := next(iter(self.nonces))] > REMEMBERED_MS:
                del self.nonces[oldest]


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
    ) -> None:
        """Open the log, and check all of it.

        Args:
            directory: the log's folder; made where it is missing.
            origin: the log's name.
            key: signs its checkpoints.
            unix_ms: wall clock in milliseconds. Entries' times never go back, whatever it does.
            folds: what others make of the log, by name.
            own: adds the log's second signature to a checkpoint that goes to disk.

        Raises:
            LogError: the log is damaged, does not match its newest checkpoint, or belongs to another process.
        """
        self._origin = origin
        self._key = key
        self._unix_ms = unix_ms
        self._own = own
        self._tree = Tree()
        self._folds = folds
        self._pending: list[tuple[bytes, Mapping[str, Any], asyncio.Future[int]]] = []
        self._submitted = 0
        self._wake = asyncio.Event()
        self._grown: asyncio.Future[None] | None = None
        self._stopping = False
        self._failure = ""
        self._newest_unix_ms = 0
        self._signed = ""
        self._signed_size = -1
        self._written_size = -1
        self._segments = Segments(directory)
        self.recovered = Recovered()
        """What the log says about the time before."""
        try:
            self._open()
        except BaseException:
            self._segments.close()
            raise
        self._thread = ThreadPoolExecutor(1, "journal")

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._tree.size

    @property
    def cut_bytes(self) -> int:
        """How much of a torn end was cut when the log was opened."""
        return self._segments.cut_bytes

    @property
    def failure(self) -> str:
        """Why nothing can be appended any more; empty while all is well."""
        return self._failure

    # ── appending ────────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, kind: Kind, fields: Fields) -> asyncio.Future[int]:
        """Put an entry in line; the future gives its index once it is durable.

        Whoever stops waiting does not take the entry out of the line.

        Raises:
            LogError: nothing can be appended any more.
        """
        if self._failure or self._stopping:
            raise LogError(self._failure or "the log is closed")
        self._newest_unix_ms = max(self._newest_unix_ms, self._unix_ms())
        record = {**fields, "v": VERSION, "kind": kind, "seq": self._submitted, "time_unix_ms": self._newest_unix_ms}
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pending.append((canonical(record), record, future))
        self._submitted += 1
        self._wake.set()
        return future

    async def append(self, kind: Kind, fields: Fields) -> int:
        """Append an entry; durable on return, under the index returned. LogError where it is not."""
        return await self.submit(kind, fields)

    def now_unix_ms(self) -> int:
        """The clock, but never before the newest entry: a clock that was set back makes no permit fresh again."""
        return max(self._newest_unix_ms, self._unix_ms())

    async def run(self) -> None:
        """Write what is submitted, until `stop`; goes into its owner's TaskGroup."""
        try:
            async with asyncio.TaskGroup() as group:
                checkpoints = group.create_task(self._write_checkpoints())
                await self._write_entries()
                checkpoints.cancel()
            await self._write_checkpoint()
        finally:
            self._fail("the log is closed")
            self._thread.shutdown()
            self._segments.close()

    def stop(self) -> None:
        """End `run` once everything submitted is durable."""
        self._stopping = True
        self._wake.set()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def checkpoint(self) -> str:
        """A signed checkpoint of everything that is durable now."""
        if self._signed_size != self.size:
            self._signed = sign_checkpoint(Checkpoint(self._origin, self.size, self._tree.root()), self._key)
            self._signed_size = self.size
        return self._signed

    def prove(self, index: int, size: int = 0) -> Proof:
        """An entry with its proof.

        Args:
            index: which entry.
            size: the tree to prove it in; 0 for the newest checkpoint's, which then comes with it.

        Raises:
            ProofError: there is no such entry, or no such tree.
        """
        checkpoint = self.checkpoint()
        path = self._tree.inclusion(index, size or self.size)
        return Proof(self._segments.read(index), index, path, "" if size else checkpoint)

    def consistency(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Proof that the log of `old_size` entries is the beginning of the one of `new_size`; 0 for all."""
        return self._tree.consistency(old_size, new_size or self.size)

    def read(self, index: int) -> bytes:
        """The exact bytes of a durable entry."""
        assert 0 <= index < self.size
        return self._segments.read(index)

    async def grown(self, size: int) -> None:
        """Wait until more than `size` entries are durable."""
        while self.size <= size and not self._failure:
            if self._grown is None:
                self._grown = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._grown)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        """Read, check and, after a crash, mend the log."""
        note = self._segments.read_checkpoint()
        try:
            promised = open_checkpoint(note, self._origin, self._key.public_key()) if note else None
        except ProofError as error:
            raise LogError(f"the log's checkpoint does not fit its origin and key: {error}") from None
        covered = promised.size if promised else 0
        for index, (entry, record) in enumerate(self._segments.replay()):
            self._tree.append(leaf_hash(entry))
            self.recovered.see(index, record)
            for fold in self._folds.values():
                fold.see(index, record)
        self._segments.cut(covered)
        if promised and self._tree.root(covered) != promised.root:
            raise LogError("the log does not match its newest checkpoint; an entry was changed. Restore it from a copy")
        self._submitted = self.size
        self._newest_unix_ms = self.recovered.newest_unix_ms
        self._segments.write_checkpoint(self._own(self.checkpoint()))
        self._written_size = self.size

    def resume(self, fields: Fields) -> None:
        """Begin a run: say so, and close every intent that the last run left open."""
        self.submit(Kind.START, {**fields, "cut_bytes": self.cut_bytes})
        for index, record in self.recovered.open_intents.items():
            self.submit(
                Kind.OUTCOME, outcome(index, record, Outcome.UNKNOWN, reason="restart", bytes_in=None, usage={})
            )
        self.recovered.open_intents.clear()

    async def _write_entries(self) -> None:
        """Write batch after batch, until the log is stopped; after a failure there is nothing to write."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._pending:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            batch, self._pending = self._pending[:BATCH_ENTRIES_MAX], self._pending[BATCH_ENTRIES_MAX:]
            entries = [entry for entry, _, _ in batch]
            try:
                await loop.run_in_executor(self._thread, self._segments.append, entries)
            except OSError as error:
                self._pending[:0] = batch
                self._fail(f"the log cannot be written: {error.strerror}; mend the disk and start the agent again")
                continue
            for entry, record, future in batch:
                self._tree.append(leaf_hash(entry))
                for fold in self._folds.values():
                    fold.see(self.size - 1, record)
                if not future.done():
                    future.set_result(self.size - 1)
            self._tell()

    async def _write_checkpoints(self) -> None:
        """Keep the checkpoint on disk no older than `CHECKPOINT_EVERY_S`."""
        while not self._failure:
            await asyncio.sleep(CHECKPOINT_EVERY_S)
            await self._write_checkpoint()

    async def _write_checkpoint(self) -> None:
        """Bring the checkpoint on disk up to date."""
        if self._written_size == self.size or self._failure:
            return
        note, size = self._own(self.checkpoint()), self.size
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._segments.write_checkpoint, note)
        except OSError as error:
            self._fail(f"the checkpoint cannot be written: {error.strerror}; mend the disk and start the agent again")
        self._written_size = size

    def _fail(self, why: str) -> None:
        """Append nothing any more, and let nobody wait for it."""
        self._failure = self._failure or why
        for _, _, future in self._pending:
            if not future.done():
                future.set_exception(LogError(self._failure))
                # A waiter may have gone; the log's own state tells the rest.
                future.exception()
        self._pending.clear()
        self._wake.set()
        self._tell()

    def _tell(self) -> None:
        """Wake those who wait for the log to grow."""
        if self._grown is not None:
            self._grown.set_result(None)
            self._grown = None
