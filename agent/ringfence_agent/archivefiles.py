"""The archive's files: append-only, each a run of sealed records, readable by the agent's user alone. Blocking.

    sealed-000000000017.rec   records one after the other (``ringfence.sealed``), the first that of intent 17
    lock                      held by the one agent that writes

A file is never written again once it was left: after a start, after a failure, when it is `FILE_BYTES` long or spans
`FILE_MS`, the next record begins a new one. So what a crash or a full disk tears is the last record of a file, it was
never acknowledged, and it is left as it is.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.sealed import HEAD_BYTES, Head, Name, SealError, read_head

FILE_BYTES: Final = 64 * 1024 * 1024
"""A file takes no new record beyond this length."""
FILE_MS: Final = 24 * 3600 * 1000
"""A file takes no record that is younger by more than this than its first: old ones go file by file."""


@dataclass(slots=True)
class _File:
    """One file and what it holds."""

    path: Path
    held_bytes: int
    first_unix_ms: int
    newest_unix_ms: int | None
    """Of its newest record; None where that was not looked for: no newer than the next file's first."""


class ArchiveFiles:
    """The files of one archive. For one thread."""

    def __init__(self, directory: Path) -> None:
        """Lock the folder, which is made where it is missing, and see what is there.

        Raises:
            OSError: the folder cannot be used; BlockingIOError where another agent has it.
        """
        self._directory = directory
        self._open = -1
        self._files: list[_File] = []
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.look()
        except OSError:
            os.close(self._folder)
            raise

    @property
    def held_bytes(self) -> int:
        """How long all files are together."""
        return sum(file.held_bytes for file in self._files)

    def look(self) -> None:
        """See anew what is there: files may have been taken elsewhere. The one being written is left."""
        self._leave()
        paths = sorted(self._directory.glob("sealed-*.rec"))
        self._files = [_File(path, path.stat().st_size, _first_unix_ms(path), None) for path in paths]
        if self._files:
            self._files[-1].newest_unix_ms = _newest_unix_ms(self._files[-1].path)

    def append(self, records: Sequence[tuple[Name, bytes]]) -> None:
        """Write records; durable on return.

        Raises:
            OSError: none of them counts as kept. Later ones may be written, to another file.
        """
        first = records[0][0]
        count = len(self._files)
        try:
            if self._open < 0 or self._full(first.time_unix_ms):
                self._begin(first)
            data = memoryview(b"".join(record for _, record in records))
            file = self._files[-1]
            file.held_bytes += len(data)
            while data:
                data = data[os.write(self._open, data) :]
            os.fdatasync(self._open)
            self._demand_there(file.path)
            file.newest_unix_ms = max(file.newest_unix_ms or 0, *(name.time_unix_ms for name, _ in records))
        except OSError:
            self._leave()
            self._forget(count)
            raise

    def expire(self, before_unix_ms: int) -> list[tuple[str, int]]:
        """Remove the files all of whose records are older; gives name and length of each.

        Raises:
            OSError: one cannot be removed.
        """
        old = []
        while self._files and self._newest(0) < before_unix_ms:
            if len(self._files) == 1:
                self._leave()
            file = self._files[0]
            file.path.unlink(missing_ok=True)
            del self._files[0]
            old.append((file.path.name, file.held_bytes))
        if old:
            os.fsync(self._folder)
        return old

    def close(self) -> None:
        """Let go of files and lock."""
        self._leave()
        os.close(self._lock)
        os.close(self._folder)

    def _full(self, time_unix_ms: int) -> bool:
        """Whether the file being written takes no more."""
        file = self._files[-1]
        return file.held_bytes >= FILE_BYTES or time_unix_ms - file.first_unix_ms > FILE_MS

    def _begin(self, first: Name) -> None:
        """Go on in a new file; its name is durable before anything is written to it."""
        self._leave()
        path = self._directory / f"sealed-{first.intent_index:012}.rec"
        self._open = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._files.append(_File(path, 0, first.time_unix_ms, first.time_unix_ms))
        os.fsync(self._folder)

    def _forget(self, count: int) -> None:
        """Remove what was begun after the first `count` files: nothing in it counts."""
        for file in self._files[count:]:
            with contextlib.suppress(OSError):
                file.path.unlink()
        del self._files[count:]

    def _leave(self) -> None:
        """Write no more to the open file."""
        if self._open >= 0:
            with contextlib.suppress(OSError):
                os.close(self._open)
        self._open = -1

    def _newest(self, number: int) -> int:
        """A time that no record of a file is younger than."""
        file = self._files[number]
        return self._files[number + 1].first_unix_ms if file.newest_unix_ms is None else file.newest_unix_ms

    def _demand_there(self, path: Path) -> None:
        """Refuse to count on a file that was removed or replaced while it was written."""
        here, there = os.fstat(self._open), path.stat()
        if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _first_unix_ms(path: Path) -> int:
    """Time of a file's first record; where that is torn, when the file was last written."""
    with path.open("rb") as file:
        head = _head(file.read(HEAD_BYTES))
    return head.name.time_unix_ms if head else path.stat().st_mtime_ns // 1_000_000


def _newest_unix_ms(path: Path) -> int:
    """Time of a file's newest record, found by going from head to head."""
    newest, at = _first_unix_ms(path), 0
    with path.open("rb") as file:
        while head := _head(file.read(HEAD_BYTES)):
            newest = max(newest, head.name.time_unix_ms)
            at += HEAD_BYTES + head.sealed_bytes
            file.seek(at)
    return newest


def _head(data: bytes) -> Head | None:
    """A head; None at the end, or where the file is torn."""
    try:
        return read_head(data)
    except SealError:
        return None
