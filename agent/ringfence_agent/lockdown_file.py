"""The emergency stop on disk: two files in the log's folder. Blocking.

    lockdown            is there while egress is stopped; whatever is in it, and also where nobody can tell
    lockdown.waiting    the order that waits for another operator
    lockdown.lifting    what `lockdown` was while it is lifted; it stops too, should a crash leave it

Anybody who may write there can stop egress with ``touch lockdown``. What the file says is for people, except that it is
there. A lift takes away the file that was seen before it was ordered, and no other: one that somebody puts there
meanwhile, or touches anew, is another stop, which nobody has lifted.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ringfence.presence import is_there
from ringfence_agent.lockdown_orders import Standing, Waiting

REASON_CHARS_MAX: Final = 1024
"""Of a reason, wherever it comes from."""
_FILE_BYTES_MAX: Final = 64 * 1024
_UNIX_MS_END: Final = 253_402_300_800_000
"""The year 10000: what a file says beyond it is no time."""
BY_HAND: Final = "the file lockdown lies in the log's folder"
"""The reason where the file says none."""


_Mark = tuple[int, int, int, int]
"""Which file it is, and when it was written last: device, inode, time, length. `touch` makes another of it."""


class LockdownFile:
    """The files of one log. One thread at a time, but for `present` and `is_new`."""

    def __init__(self, directory: Path) -> None:
        """Look in the log's folder, which exists."""
        self._directory = directory
        self._stop = directory / "lockdown"
        self._waiting = directory / "lockdown.waiting"
        self._lifting = directory / "lockdown.lifting"
        self._known: _Mark | None = None

    def present(self) -> bool:
        """Whether egress is stopped: only a folder that can be read and holds no such file says that it is not."""
        try:
            if is_there(self._stop) or is_there(self._lifting):
                return True
            return not self._directory.is_dir()
        except OSError:
            return True

    def is_new(self) -> bool:
        """Whether somebody put a stop there, or touched it, since it was loaded or saved here."""
        mark = _mark(self._stop)
        return mark is not None and mark != self._known

    def load(self) -> Standing:
        """What the files say. An order that waits and cannot be read is forgotten: it holds nothing up."""
        with suppress(OSError):  # it stops all the same, by its other name
            if is_there(self._lifting) and not is_there(self._stop):
                self._lifting.rename(self._stop)
        self._known = _mark(self._stop)
        waiting = _waiting(_json(self._waiting))
        if not self.present():
            return Standing(waiting=waiting if waiting and waiting.on else None)
        said = _json(self._stop)
        by = said.get("by")
        return Standing(
            on=True,
            reason=str(said.get("reason") or BY_HAND)[:REASON_CHARS_MAX],
            # Who touches it stops anew, whatever time it says.
            since_unix_ms=max(_whole(said.get("time_unix_ms")), self._changed_unix_ms()),
            by=tuple(str(one) for one in by) if isinstance(by, list) else (),
            waiting=waiting if waiting and not waiting.on else None,
        )

    def save(self, standing: Standing) -> None:
        """Bring the files up to what holds; durable on return. What stops comes first. Nothing is lifted here.

        Raises:
            OSError: the disk does not let it.
        """
        if standing.on and not self.present():
            said = _said(standing.reason, standing.by, "time_unix_ms", standing.since_unix_ms)
            self._known = self._write(self._stop, said, standing.since_unix_ms)
        if waiting := standing.waiting:
            said = {**_said(waiting.reason, waiting.by, "until_unix_ms", waiting.until_unix_ms), "on": waiting.on}
            self._write(self._waiting, said)
        else:
            self._waiting.unlink(missing_ok=True)
        self._sync()

    def lift(self) -> bool:
        """Take the stop away that was loaded or saved here last, and any order that waits; durable on return.

        It is given another name first, under which it stops too: what has that name is looked at, and nobody puts
        another in its place any more.

        Returns:
            False where another stop lies there by now, which stays.

        Raises:
            OSError: the disk does not let it; what was lifted is put there again, if the disk lets that.
        """
        self._waiting.unlink(missing_ok=True)
        try:
            self._stop.rename(self._lifting)
        except FileNotFoundError:  # somebody took it away by hand
            pass
        else:
            if _mark(self._lifting) != self._known:
                self._lifting.rename(self._stop)
                return False
        try:
            self._lifting.unlink(missing_ok=True)
        except OSError:
            self._lifting.rename(self._stop)
            raise
        self._known = None
        try:
            self._sync()
        except OSError:  # nobody can tell which of the names is on the disk
            with suppress(OSError):
                self._stop.touch()
            raise
        return not self.is_new()

    def _write(self, path: Path, said: dict[str, object], at_unix_ms: int | None = None) -> _Mark:
        """Replace a file, whole or not at all, as of a time; as what it is known from now on."""
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")
            file.flush()
            if at_unix_ms is not None:
                os.utime(file.fileno(), ns=(at_unix_ms * 1_000_000, at_unix_ms * 1_000_000))
            os.fsync(file.fileno())
            mark = _marked(os.fstat(file.fileno()))
        fresh.replace(path)
        self._sync()
        return mark

    def _sync(self) -> None:
        """Make names durable (fsync(2): a file's entry in its folder is the folder's)."""
        folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _changed_unix_ms(self) -> int:
        """When the stop's file was made; 0 where nobody can tell."""
        try:
            return self._stop.lstat().st_mtime_ns // 1_000_000
        except OSError:
            return 0


def _mark(path: Path) -> _Mark | None:
    """Which file this is; None where there is none, or nobody can tell."""
    try:
        return _marked(path.lstat())
    except OSError:
        return None


def _marked(status: os.stat_result) -> _Mark:
    """A file's mark. Not its change time: renaming changes that."""
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _said(reason: str, by: tuple[str, ...], name: str, unix_ms: int) -> dict[str, object]:
    """What both files say."""
    return {"reason": reason, "by": list(by), name: unix_ms}


def _waiting(said: dict[str, Any]) -> Waiting | None:
    """The order that waits; None where the file says nothing of the kind."""
    match said:
        case {"on": bool(on), "reason": str(reason), "by": [*by], "until_unix_ms": int(until_unix_ms)}:
            return Waiting(on, reason[:REASON_CHARS_MAX], tuple(str(one) for one in by), until_unix_ms)
        case _:
            return None


def _whole(value: object) -> int:
    """A whole number that can be a time; 0 for anything else."""
    return value if isinstance(value, int) and 0 <= value < _UNIX_MS_END else 0


def _json(path: Path) -> dict[str, Any]:
    """An object in a file; empty where there is none."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(_FILE_BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
