"""The agent's own lines: a stream that cannot be written any more stops nothing; what counts is in the egress log."""

from __future__ import annotations

import contextlib
import io
from typing import TextIO, cast


def lenient(stream: TextIO) -> TextIO:
    """The same stream, but that a line that the disk does not take is lost, and nobody is told."""
    return cast("TextIO", _Lenient(stream))


class _Lenient(io.TextIOBase):
    """Writes to another stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose it."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose it."""
        with contextlib.suppress(OSError):
            self._stream.flush()
