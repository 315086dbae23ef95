"""JSON lines on stderr; systemd and Kubernetes take them from there."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any, TextIO

import structlog

FLUSH_S = 0.1
"""How long a request's line may wait to be written, in seconds."""


def configure(level: str) -> None:
    """Set structlog up for the process.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.

    Exceptions are told by type and place alone: their texts and their locals might hold content.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_exception_text,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries may log what they handle; theirs are silenced, for nobody vouches for their texts.
    logging.getLogger().handlers[:] = [logging.NullHandler()]


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


def _dumps(value: Any, **_: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


def _without_exception_text(_logger: Any, _name: str, event: Any) -> Any:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__name__
    return event
