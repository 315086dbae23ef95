"""The emergency stop on disk: two files in the log's folder. Blocking.

    lockdown            is there while egress is stopped; whatever is in it, and also where nobody can tell
    lockdown.waiting    the order that waits for another operator

Anybody who may write there can stop egress with ``touch lockdown``. What the file says is for people, except that it is
there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from ringfence_agent.lockdown_orders import Standing, Waiting

REASON_CHARS_MAX: Final = 1024
"""Of a reason, wherever it comes from."""
_FILE_BYTES_MAX: Final = 64 * 1024
_BY_HAND: Final = "the file lockdown lies in the log's folder"


class LockdownFile:
    """The two files of one log."""

    def __init__(self, directory: Path) -> None:
        """Look in the log's folder, which exists."""
        self._directory = directory
        self._stop = directory / "lockdown"
        self._waiting = directory / "lockdown.waiting"

    def present(self) -> bool:
        """Whether egress is stopped: only a folder that can be read and holds no such file says that it is not."""
        try:
            self._stop.lstat()
        except FileNotFoundError:
            return not self._directory.is_dir()
        except OSError:
            return True
        return True

    def load(self) -> Standing:
        """What the files say. An order that waits and cannot be read is forgotten: it holds nothing up."""
        waiting = _waiting(_json(self._waiting))
        if not self.present():
            return Standing(waiting=waiting if waiting and waiting.on else None)
        said = _json(self._stop)
        by = said.get("by")
        return Standing(
            on=True,
            reason=str(said.get("reason") or _BY_HAND)[:REASON_CHARS_MAX],
            since_unix_ms=_whole(said.get("time_unix_ms")) or self._changed_unix_ms(),
            by=tuple(str(one) for one in by) if isinstance(by, list) else (),
            waiting=waiting if waiting and not waiting.on else None,
        )

    def save(self, standing: Standing) -> None:
        """Bring the files up to what holds; durable on return. What stops comes first, what allows comes last.

        Raises:
            OSError: the disk does not let it.
        """
        if standing.on and not self.present():
            self._write(self._stop, _said(standing.reason, standing.by, "time_unix_ms", standing.since_unix_ms))
        if waiting := standing.waiting:
            said = {**_said(waiting.reason, waiting.by, "until_unix_ms", waiting.until_unix_ms), "on": waiting.on}
            self._write(self._waiting, said)
        else:
            self._waiting.unlink(missing_ok=True)
        if not standing.on:
            self._stop.unlink(missing_ok=True)
        self._sync()

    def _write(self, path: Path, said: dict[str, object]) -> None:
        """Replace a file, whole or not at all."""
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._sync()

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
    """A whole number; 0 for anything else."""
    return value if isinstance(value, int) else 0


def _json(path: Path) -> dict[str, Any]:
    """An object in a file; empty where there is none."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(_FILE_BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
