"""The log's files: append-only segments of entries, one a line, and the newest checkpoint. Blocking.

    entries-000000.ndjson   entries in order, each the exact bytes of its leaf, each ended by one newline
    checkpoint              newest signed checkpoint that was written, replaced atomically
    lock                    held by the one process that may write

A crash can leave the end of the last segment torn. What was never acknowledged may be cut; what a checkpoint covers
may not, and a log that has lost it is not opened again.
"""

from __future__ import annotations

import bisect
import fcntl
import json
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

SEGMENT_ENTRIES: Final = 65_536
"""A segment takes no new batch beyond this many entries."""
_READ_BYTES: Final = 1024 * 1024


class LogError(Exception):
    """The log on disk is not what it must be, or cannot be written; egress ends."""


class Segments:
    """The files of one log. Reading and writing may happen in two threads, each in one."""

    def __init__(self, directory: Path) -> None:
        """Lock the folder, which is made where it is missing.

        Raises:
            LogError: another process has it, or it cannot be made.
        """
        self._directory = directory
        self._offsets = array("Q")
        self._lengths = array("I")
        self._firsts: list[int] = []
        self._files: list[int] = []
        self._written = 0
        self.cut_bytes = 0
        """How much of a torn end was cut when the log was opened."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogError(f"{directory}: another agent writes this log; end it, or give each its own folder") from None
        except OSError as error:
            raise LogError(f"{directory}: {error.strerror}") from None

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._offsets)

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def replay(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """Every entry from the first on, its bytes and what it says; ends at the end, or where the log is torn.

        To be read to its end once, before anything else; `cut` then says whether it was torn.
        """
        paths = sorted(self._directory.glob("entries-*.ndjson"))
        for number, path in enumerate(paths):
            if path.name != _name(number):
                raise LogError(f"{path}: segment {_name(number)} is missing")
            self._open_segment(number, os.O_APPEND)
            for line in self._lines(number):
                record = _record(line, self.size)
                if record is None:
                    if number != len(paths) - 1:
                        raise LogError(f"{path}: entry {self.size} is damaged, and later entries follow it")
                    return
                self._count(len(line) - 1)
                yield line[:-1], record

    def cut(self, covered: int) -> None:
        """Cut what a crash left torn after the last good entry.

        Args:
            covered: how many entries the newest checkpoint covers.

        Raises:
            LogError: fewer are left; something that was promised is gone.
        """
        if self.size < covered:
            raise LogError(
                f"{self._directory}: the checkpoint covers {covered} entries and {self.size} are left; the log was "
                "truncated or damaged. Restore it from a copy; it must not be continued"
            )
        if not self._files:
            return
        torn = os.fstat(self._files[-1]).st_size - self._written
        if torn:
            os.ftruncate(self._files[-1], self._written)
            os.fsync(self._files[-1])
            self.cut_bytes = torn

    def read_checkpoint(self) -> str | None:
        """The newest checkpoint; None for a log that has not begun.

        Raises:
            LogError: there are entries, and no checkpoint.
        """
        path = self._directory / "checkpoint"
        if path.exists():
            return path.read_text()
        if any(self._directory.glob("entries-*")):
            raise LogError(f"{path}: missing beside entries; restore it from a copy")
        return None

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def append(self, entries: Sequence[bytes]) -> None:
        """Write entries; durable on return.

        Raises:
            OSError: they may or may not be durable; nothing may be appended any more.
        """
        if not self._files or self.size - self._firsts[-1] >= SEGMENT_ENTRIES:
            self._open_segment(len(self._files), os.O_APPEND | os.O_CREAT | os.O_EXCL)
            os.fsync(self._folder)
        data = memoryview(b"".join(entry + b"\n" for entry in entries))
        while data:
            data = data[os.write(self._files[-1], data) :]
        os.fdatasync(self._files[-1])
        for entry in entries:
            self._count(len(entry))

    def write_checkpoint(self, note: str) -> None:
        """Replace the newest checkpoint; durable on return."""
        fresh = self._directory / "checkpoint.new"
        with fresh.open("w") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._directory / "checkpoint")
        os.fsync(self._folder)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, index: int) -> bytes:
        """The exact bytes of an entry that is there."""
        segment = bisect.bisect_right(self._firsts, index) - 1
        return os.pread(self._files[segment], self._lengths[index], self._offsets[index])

    def close(self) -> None:
        """Let go of files and lock."""
        for file in (*self._files, self._folder, self._lock):
            os.close(file)
        self._files.clear()

    def _open_segment(self, number: int, flags: int) -> None:
        """Go on in another file."""
        path = self._directory / _name(number)
        self._files.append(os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600))
        self._firsts.append(self.size)
        self._written = 0

    def _count(self, length: int) -> None:
        """Take in where an entry of `length` bytes stands: after the last."""
        self._lengths.append(length)
        self._offsets.append(self._written)
        self._written += length + 1

    def _lines(self, number: int) -> Iterator[bytes]:
        """A segment's lines with their newlines; the last may lack it."""
        with (self._directory / _name(number)).open("rb", buffering=_READ_BYTES) as file:
            yield from file


def _name(number: int) -> str:
    return f"entries-{number:06}.ndjson"


def _record(line: bytes, index: int) -> dict[str, Any] | None:
    """What a line says; None where it is no whole entry with this index."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    if not isinstance(record, dict) or record.get("seq") != index:
        return None
    typed = isinstance(record.get("kind"), str) and isinstance(record.get("time_unix_ms"), int)
    return record if typed else None
