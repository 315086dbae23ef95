"""The sealed archive: nothing leaves that it does not hold, and the agent cannot read it back.

    keep → pending → seal, write, fdatasync (in a thread) → the one who waits goes on

Each record is sealed to the auditors' public key (``ringfence.sealed``). Records that are handed over while others are
being written share the next fdatasync. A record that cannot be kept is an error of its own send; the next one tries
again, in a file of its own.

Old files go when the log's time has left them `retention_ms` behind, and only while that time keeps step with the
machine's monotonic clock (``ringfence_agent.steady``): a clock that was set forward removes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from structlog.typing import FilteringBoundLogger

from ringfence.sealed import HEAD_BYTES, OVERHEAD_BYTES, SEALED_BYTES_MAX, Name, seal
from ringfence_agent.archivefiles import ArchiveFiles
from ringfence_agent.steady import Steady

SWEEP_EVERY_S: Final = 600.0
"""How often old files are looked for."""


class ArchiveError(Exception):
    """A record could not be kept, so that its bytes must not leave; the text names no content."""


class Archive(Protocol):
    """Where the exact bytes are kept before they leave."""

    async def keep(self, index: int, salt: bytes, body: bytes) -> None:
        """Keep what is about to be sent; durable on return.

        Args:
            index: where the durable intent stands in the log.
            salt: of its commitment.
            body: the exact bytes.

        Raises:
            ArchiveError: it is not kept, and must not be sent.
        """

    async def tend(self) -> None:
        """Remove what has grown old, until cancelled; for the owner's TaskGroup."""

    def close(self) -> None:
        """Let go of files and lock, once nobody waits any more."""


class NoArchive:
    """None is configured: nothing is kept, and everything may leave."""

    async def keep(self, index: int, salt: bytes, body: bytes) -> None:
        """Nothing."""

    async def tend(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What the configuration says."""

    directory: Path
    """Its folder, which it has for itself."""
    origin: str
    """The log's name, which every record is bound to."""
    recipient: MLKEM768X25519PublicKey
    """The auditors' public key."""
    retention_ms: int
    """How long records are kept at least, in milliseconds."""
    bytes_max: int
    """How much all its files may hold; what would be more is not kept, and does not leave."""


@dataclass(slots=True)
class _Job:
    """One record in line."""

    name: Name
    salt: bytes = field(repr=False)
    body: bytes = field(repr=False)
    kept: bool = False
    """It is durable."""
    error: str = "the archive failed over another record; see the agent's log"
    """Why it is not, as long as it is not."""


class SealedArchive:
    """The archive of one agent. For one event loop; the disk is another thread's."""

    def __init__(
        self,
        settings: ArchiveSettings,
        read: Callable[[int], bytes],
        now_unix_ms: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        """Lock the folder, which is made where it is missing, and see what is there.

        Args:
            settings: see there.
            read: the log's entry at an index.
            now_unix_ms: the log's time, which never goes back.
            log: says what was removed, and why something was not kept.

        Raises:
            OSError: the folder cannot be used; BlockingIOError where another agent has it.
        """
        self._settings = settings
        self._read = read
        self._now_unix_ms = now_unix_ms
        self._log = log
        self._steady = Steady()
        self._pending: deque[_Job] = deque()
        self._files = ArchiveFiles(settings.directory)
        self._thread = ThreadPoolExecutor(1, "archive")

    async def keep(self, index: int, salt: bytes, body: bytes) -> None:
        """See `Archive.keep`. Whoever stops waiting does not take the record out of the line."""
        job = _Job(self._name(index), salt, body)
        self._pending.append(job)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._flush)
        # The thread works in order, and the job was in line before its flush: that one or an earlier one had it.
        if not job.kept:
            self._log.error("archive_failed", why=job.error)
            raise ArchiveError(job.error)

    async def tend(self) -> None:
        """See `Archive.tend`."""
        loop = asyncio.get_running_loop()
        while True:
            now_unix_ms = self._now_unix_ms()
            if self._steady.observe(now_unix_ms, loop.time()):
                await loop.run_in_executor(self._thread, self._expire, now_unix_ms - self._settings.retention_ms)
            await asyncio.sleep(SWEEP_EVERY_S)

    def close(self) -> None:
        """See `Archive.close`."""
        self._thread.shutdown()
        self._files.close()

    def _name(self, index: int) -> Name:
        """What a record is bound to: the intent as the log has it."""
        try:
            intent = json.loads(self._read(index))
        except OSError as error:
            raise ArchiveError(f"the intent cannot be read back: {error.strerror}; mend the disk") from None
        return Name(index, intent["time_unix_ms"], bytes.fromhex(intent["commitment"]))

    # ── in the thread ────────────────────────────────────────────────────────────────────────────────────────────────

    def _flush(self) -> None:
        """Write everything in line with one fdatasync; nothing where an earlier flush has done so."""
        batch = [self._pending.popleft() for _ in range(len(self._pending))]
        fitting: list[_Job] = []
        records: list[tuple[Name, bytes]] = []
        left = self._left(batch)
        for job in batch:
            need = HEAD_BYTES + OVERHEAD_BYTES + len(job.body)
            if need > min(left, SEALED_BYTES_MAX):
                job.error = (
                    f"the archive is full: {need} bytes would be more than archive.bytes_max; move its oldest files "
                    "elsewhere, or allow more"
                )
                continue
            left -= need
            fitting.append(job)
            records.append((job.name, self._sealed(job)))
        self._append(fitting, records)

    def _append(self, jobs: list[_Job], records: list[tuple[Name, bytes]]) -> None:
        """Write records, and tell their jobs."""
        try:
            if records:
                self._files.append(records)
        except OSError as error:
            for job in jobs:
                job.error = f"the archive cannot be written: {error.strerror}; mend the disk"
        else:
            for job in jobs:
                job.kept = True

    def _left(self, batch: list[_Job]) -> int:
        """How many bytes still fit; where that is not enough, after a look at what is there by now."""
        need = sum(HEAD_BYTES + OVERHEAD_BYTES + len(job.body) for job in batch)
        if self._files.held_bytes + need > self._settings.bytes_max:
            self._files.look()
        return self._settings.bytes_max - self._files.held_bytes

    def _sealed(self, job: _Job) -> bytes:
        """A job's record."""
        return seal(job.name, self._settings.origin, job.salt, job.body, self._settings.recipient)

    def _expire(self, before_unix_ms: int) -> None:
        """Remove files whose newest record is older."""
        try:
            for name, held_bytes in self._files.expire(before_unix_ms):
                self._log.info("archive_expired", file=name, bytes=held_bytes)
        except OSError as error:
            self._log.error("archive_failed", why=f"old files cannot be removed: {error.strerror}")
