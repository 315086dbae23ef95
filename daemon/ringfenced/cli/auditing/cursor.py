"""How far an export or a watch has got: a small file, replaced atomically and durably.

It names the last entry that is done with by index and by the hash of its leaf. Who goes on from it compares that hash
with the log's own entry: of another log, or of a fork of this one, it is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ringfence.translog import leaf_hash
from ringfenced.cli.exits import ExitCode, Failure

_MODE: Final = 0o600
_BYTES_MAX: Final = 256 * 1024 * 1024
"""More than the state of as many rules and subjects as there can be."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a log."""

    origin: str
    """The log's name."""
    following: int = 0
    """Index of the first entry that is not done with."""
    leaf: str = ""
    """Hash of the leaf before it, hex; empty at the log's beginning."""

    def after(self, index: int, entry: bytes) -> Place:
        """The place behind an entry."""
        return Place(self.origin, index + 1, leaf_hash(entry).hex())

    def check(self, origin: str, entry: Callable[[int], bytes | None]) -> None:
        """Pass if this is a place in a log.

        Args:
            origin: the log's name.
            entry: an entry of it by index; None where it has none.

        Raises:
            Failure: it is a place in another log, or in another course of this one.
        """
        if origin != self.origin:
            raise _foreign(f"it is of the log {self.origin!r}, and this is {origin!r}")
        if not self.following:
            return
        last = entry(self.following - 1)
        if last is None:
            raise _foreign(f"{self.following} entries were done with, and the log has fewer")
        if leaf_hash(last).hex() != self.leaf:
            raise _foreign(f"entry #{self.following - 1} is not the one that was done with: the log was forked")


class CursorFile:
    """A place, and what its owner wants to remember with it. For one process; blocking."""

    def __init__(self, path: Path) -> None:
        """Keep it in `path`, whose folder must exist."""
        self._path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes away from this cursor (flock(2)).

        Raises:
            Failure: another one has it, or the folder cannot be written.
        """
        try:
            lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT, _MODE)
        except OSError as error:
            raise _unwritable(self._path, error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Failure(f"{self._path}: another process goes on from this cursor; give each its own") from None
        try:
            yield
        finally:
            os.close(lock)

    def load(self, origin: str) -> tuple[Place, Any]:
        """The place and what was remembered with it; the beginning of `origin`, and None, where there is no file yet.

        Raises:
            Failure: the file cannot be read, or is no cursor.
        """
        try:
            with self._path.open("rb") as file:
                value = json.loads(file.read(_BYTES_MAX))
        except FileNotFoundError:
            return Place(origin), None
        except OSError as error:
            raise Failure(f"cannot read {self._path}: {error.strerror}", code=ExitCode.USAGE) from None
        except ValueError:
            value = None
        match value:
            case {"v": 1, "origin": str(name), "following": int(following), "leaf": str(leaf)} if following >= 0:
                return Place(name, following, leaf), value.get("kept")
        raise Failure(f"{self._path} is no cursor of `ringfence audit`", code=ExitCode.USAGE)

    def save(self, place: Place, kept: Any = None) -> None:
        """Remember; durable on return.

        Raises:
            Failure: it cannot be written.
        """
        value = {"v": 1, "origin": place.origin, "following": place.following, "leaf": place.leaf, "kept": kept}
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "w") as file:  # noqa: PTH123 - mode
                file.write(json.dumps(value) + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            _sync(self._path.parent)
        except OSError as error:
            raise _unwritable(self._path, error) from None


def _sync(folder: Path) -> None:
    """Make a folder's names durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _foreign(why: str) -> Failure:
    return Failure(
        f"the cursor does not fit this log: {why}",
        advice=(
            "run `ringfence audit verify` with a checkpoint that you kept: it tells whether the log was forked",
            "to begin at the beginning of this log, give another cursor file",
        ),
    )


def _unwritable(path: Path, error: OSError) -> Failure:
    return Failure(f"cannot write {path}: {error.strerror}", code=ExitCode.USAGE)
