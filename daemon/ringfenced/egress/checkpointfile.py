"""Where the witness keeps the newest checkpoint, durably; and, once a log was caught, the evidence."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ringfence import durable
from ringfence.presence import is_there, read_if_there

_EVIDENCE_SUFFIX: Final = ".condemned"
_LOCK_SUFFIX: Final = ".lock"
_MODE: Final = 0o600


class CheckpointFile:
    """One signed note in one file, replaced atomically; for several processes, each of its own object. Blocking."""

    def __init__(self, path: Path) -> None:
        """Keep the note in `path`; its folder must exist. Evidence goes beside it, under ``.condemned``."""
        self._path = path
        self.evidence_path = path.with_name(path.name + _EVIDENCE_SUFFIX)

    def load(self) -> str | None:
        """The note kept; None before the first.

        Raises:
            OSError: nobody can tell; nor may anybody then take the next for the first.
            UnicodeDecodeError: what is kept is no text.
        """
        data = read_if_there(self._path)
        return None if data is None else data.decode()

    def save(self, note: str, instead_of: str | None) -> bool:
        """Keep `note`, durable on return; False, and nothing is done, where another than `instead_of` is kept now."""
        with self._locked():
            if self.load() != instead_of:
                return False
            durable.replace(self._path, note)
            return True

    def condemned(self) -> bool:
        """Whether evidence lies here; OSError where nobody can tell."""
        return is_there(self.evidence_path)

    def condemn(self, why: str, kept: str, seen: str) -> None:
        """Write down both notes and what is wrong between them; durable on return. The first evidence stays."""
        with self._locked():
            if not self.condemned():
                text = json.dumps({"why": why, "kept": kept, "seen": seen}, indent=1) + "\n"
                durable.replace(self.evidence_path, text)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers waiting; the file that is locked (flock(2)) stays and holds nothing."""
        lock = os.open(self._path.with_name(self._path.name + _LOCK_SUFFIX), os.O_RDWR | os.O_CREAT, _MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
