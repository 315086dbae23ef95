"""The log's folder: whose it is, whether its files are still the ones that were opened, and small files in it.

A file that somebody removed, replaced or cut can still be written through its open descriptor, and what is written
would be gone with it. So every file of the promise is looked at by its name, as others see it. Blocking.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from ringfence_agent.logerror import LogError


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it must be found again."""

    name: str
    """In the folder."""
    inode: int
    """Which file it is."""
    size_bytes: int
    """How long it is; it may be longer where `grows`."""
    grows: bool = False
    """Another thread may be writing to it."""


class LogFolder:
    """One log's folder, locked. `demand` and `replace` may be called from several threads."""

    def __init__(self, directory: Path) -> None:
        """Lock the folder, which is made where it is missing.

        Raises:
            LogError: another process has it, or it cannot be made.
        """
        self.path = directory
        """Where it is."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogError(f"{directory}: another agent writes this log; end it, or give each its own folder") from None
        except OSError as error:
            raise LogError(f"{directory}: {error.strerror}") from None
        self._identity = _identity(os.fstat(self._folder))

    def open(self, name: str, flags: int) -> int:
        """A descriptor of a file in the folder; the caller closes it. OSError where it cannot be opened."""
        return os.open(self.path / name, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def sync(self) -> None:
        """Make names durable: what was created or renamed."""
        os.fsync(self._folder)

    def replace(self, name: str, content: bytes) -> None:
        """Write a small file anew: the old content or the new one is found, whatever happens; durable on return."""
        fresh = self.open(f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(fresh, content)
            os.fsync(fresh)
        finally:
            os.close(fresh)
        (self.path / f"{name}.new").replace(self.path / name)
        self.sync()

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """A small file's content; None where there is none, or it is longer than `bytes_max`."""
        try:
            file = self.open(name, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(file, "rb") as stream:
            content = stream.read(bytes_max + 1)
        return content if len(content) <= bytes_max else None

    def segments(self) -> list[str]:
        """Names of the files that hold entries, in order.

        Raises:
            OSError: the folder cannot be listed; `Path.glob` would find nothing then, as in a log that has not begun.
        """
        return sorted(each.name for each in self.path.iterdir() if each.match("entries-*.ndjson"))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def changed_ns(self) -> int:
        """When a name was last added, removed or replaced in the folder; cheap.

        Raises:
            LogError: the folder itself is no longer where it was.
        """
        try:
            same = _identity(self.path.stat()) == self._identity
        except FileNotFoundError:
            same = False
        if not same:
            raise LogError(
                f"{self.path}: the log's folder was moved or replaced; put it back and start the agent again"
            )
        return os.fstat(self._folder).st_mtime_ns

    def demand(self, seen: Seen) -> None:
        """Pass if the file is there, the same one, and as long as it was.

        Raises:
            LogError: it is not.
        """
        try:
            found = os.lstat(self.path / seen.name)
        except FileNotFoundError:
            raise LogError(self._lost(seen.name, "was removed")) from None
        if found.st_ino != seen.inode:
            raise LogError(self._lost(seen.name, "was replaced by another file"))
        if found.st_size < seen.size_bytes:
            raise LogError(self._lost(seen.name, f"was cut to {found.st_size} of {seen.size_bytes} bytes"))
        if found.st_size > seen.size_bytes and not seen.grows:
            raise LogError(self._lost(seen.name, f"has {found.st_size} bytes, and {seen.size_bytes} were written"))

    def close(self) -> None:
        """Let go of folder and lock."""
        os.close(self._folder)
        os.close(self._lock)

    def _lost(self, name: str, what: str) -> str:
        return (
            f"{self.path / name} {what} while the agent ran; nothing leaves any more. "
            "Keep the folder as it is, restore the newest copy, and start the agent again"
        )


def seen(name: str, file: int, *, grows: bool = False) -> Seen:
    """An open file as it is now."""
    found = os.fstat(file)
    return Seen(name, found.st_ino, found.st_size, grows)


def write_all(file: int, content: bytes | memoryview) -> None:
    """Write all of it: write(2) may take less than it was given."""
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
