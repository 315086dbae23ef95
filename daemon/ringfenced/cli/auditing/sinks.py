"""Sinks on this machine, and what a sink is: it takes records, and says when they have arrived."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from ringfenced.cli.auditing.framing import lines, octets

_SECONDS_MAX: Final = 30.0
"""How long a local server may take for a message."""
_MODE: Final = 0o600


class SinkError(Exception):
    """Records may not have arrived; deliver them again. The text says why, for people."""


class Sink(Protocol):
    """Where records go. For one thread; blocking."""

    def deliver(self, records: Sequence[bytes]) -> None:
        """Pass on records, in order.

        Returns once they have arrived, as surely as this kind of sink can tell.

        Raises:
            SinkError: it cannot tell. Some may have arrived; the next call may begin with them again.
        """
        ...

    def close(self) -> None:
        """Let go of it; ends a connection in order.

        Raises:
            SinkError: what was delivered may not have been read to its end.
        """
        ...


class StdoutSink:
    """A line each, on standard output."""

    def deliver(self, records: Sequence[bytes]) -> None:
        """Arrived when the pipe or terminal took them."""
        sys.stdout.buffer.write(b"".join(lines(record) for record in records))
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """Nothing is held."""


class FileSink:
    """A line each, appended to a file that is durable before `deliver` returns."""

    def __init__(self, path: Path) -> None:
        """Append to `path`; a line that a crash left without its end is cut."""
        self._path = path
        self._file: int | None = None

    def deliver(self, records: Sequence[bytes]) -> None:
        """Arrived when the disk has them (fdatasync(2)); after a failure the file is opened and looked at again."""
        try:
            self._file = self._open() if self._file is None else self._file
            data = memoryview(b"".join(lines(record) for record in records))
            while data:
                data = data[os.write(self._file, data) :]
            os.fdatasync(self._file)
        except OSError as error:
            self.close()
            raise SinkError(f"{self._path}: {error.strerror}") from None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        """The file, ending with a whole line."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
        size = os.fstat(file).st_size
        end = size
        while end:
            start = max(0, end - 65_536)
            newline = os.pread(file, end - start, start).rfind(b"\n")
            end = start + newline + 1 if newline >= 0 else start
            if newline >= 0:
                break
        if end != size:
            os.ftruncate(file, end)
        return file


class UnixSink:
    """A syslog server's socket on this machine, for example ``/dev/log``.

    Datagrams on a local socket are not lost: one that finds no room waits (unix(7)). A stream counts octets.
    """

    def __init__(self, path: Path, seconds_max: float = _SECONDS_MAX) -> None:
        """Connect to `path` with the first record."""
        self._path = path
        self._seconds_max = seconds_max
        self._socket: socket.socket | None = None

    def deliver(self, records: Sequence[bytes]) -> None:
        """Arrived when the server's socket took them."""
        try:
            self._socket = self._connect() if self._socket is None else self._socket
            counts = self._socket.type == socket.SOCK_STREAM
            for record in records:
                self._socket.sendall(octets(record) if counts else record)
        except OSError as error:
            self.close()
            raise SinkError(f"{self._path}: {error.strerror or 'no answer in time'}") from None

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        """A datagram socket, or a stream where the server listens on one (EPROTOTYPE)."""
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            found = socket.socket(socket.AF_UNIX, kind)
            found.settimeout(self._seconds_max)
            try:
                found.connect(str(self._path))
            except OSError as error:
                found.close()
                if kind == socket.SOCK_STREAM or error.errno != errno.EPROTOTYPE:
                    raise
            else:
                return found
        raise AssertionError("one of the two kinds connects or raises")
