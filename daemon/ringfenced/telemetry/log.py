"""JSON lines on stderr; systemd and Kubernetes take them from there.

The daemon logs through the standard library's ``logging.getLogger("ringfenced")``: an event's name as the message, its
fields as ``extra={"fields": {...}}``. Texts and traces of exceptions are never written: they might hold content.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import TextIO

FLUSH_S = 0.1
"""How long a request's line may wait to be written, in seconds."""


def configure(level: str) -> None:
    """Set logging up for the process.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine())
    ours = logging.getLogger("ringfenced")
    ours.setLevel(level.upper())
    ours.handlers[:] = [handler]
    ours.propagate = False
    # Libraries may log what they handle; theirs are silenced, for nobody vouches for their texts.
    logging.getLogger().handlers[:] = [logging.NullHandler()]


class JsonLine(logging.Formatter):
    """One event as one line of JSON; what an exception says stays out."""

    def format(self, record: logging.LogRecord) -> str:
        """The event, its time and level, and its fields."""
        line = {"event": record.msg, "level": record.levelname.lower(), "time_unix_ms": int(record.created * 1000)}
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
        return json.dumps(line | getattr(record, "fields", {}), separators=(",", ":"), default=str)


class LineBuffer:
    """Lines that are written together: a system call a request would cost as much as making the line.

    Belongs to one event loop. What a crash may lose is the last `FLUSH_S`.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Take a line; it is written within `FLUSH_S`, or at once where no event loop runs."""
        self._lines.append(line)
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
            except RuntimeError:
                self.flush()

    def flush(self) -> None:
        """Write what waits."""
        lines, self._lines = self._lines, []
        if lines:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
