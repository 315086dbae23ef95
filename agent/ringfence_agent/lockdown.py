"""The emergency stop: a file that is there, or not. It survives restarts, and anything but its absence means stop."""

from __future__ import annotations

import json
import os
from pathlib import Path


class Lockdown:
    """Whether egress is stopped. For one event loop; `apply` blocks for the length of an fsync."""

    def __init__(self, directory: Path) -> None:
        """Look for the file in the log's folder."""
        self._path = directory / "lockdown"
        self._on = self._path.exists()

    @property
    def on(self) -> bool:
        """Whether nothing may leave."""
        return self._on

    def apply(self, *, on: bool, reason: str, by: str, unix_ms: int) -> None:
        """Stop, or allow again; durable on return.

        Stopping holds at once, even if the file cannot be written. Allowing holds only once the file is gone.

        Args:
            on: stop.
            reason: why; stands in the file.
            by: pseudonym of the operator.
            unix_ms: when.

        Raises:
            OSError: the file cannot be written or removed.
        """
        if on:
            self._on = True
            with self._path.open("w") as file:
                file.write(json.dumps({"reason": reason, "by": by, "time_unix_ms": unix_ms}) + "\n")
                file.flush()
                os.fsync(file.fileno())
        else:
            self._path.unlink(missing_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._on = on
