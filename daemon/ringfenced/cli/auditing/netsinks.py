"""Sinks on other machines: syslog over TLS, TCP and UDP.

Syslog has no acknowledgement. What can be known over TCP is that the other machine's kernel has every byte, and that is
awaited before records count as delivered (SIOCOUTQ, tcp(7)). A server that dies with bytes unread breaks the
connection; so after a break the newest records that went over it are sent again. An orderly end awaits the server's own
close_notify (RFC 5425, section 4.4), which it sends once it has read everything.
"""

from __future__ import annotations

import fcntl
import select
import socket
import ssl
import struct
import termios
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfenced.cli.auditing.framing import Frame, octets
from ringfenced.cli.auditing.sinks import SinkError
from ringfenced.cli.auditing.target import Target

_SECONDS_MAX: Final = 30.0
_AGAIN_BYTES: Final = 8 * 1024 * 1024
"""How much is sent again after a break: more than a receiver's kernel holds by default (tcp_rmem, tcp(7): 6 MiB)."""
_VERDICT_S: Final = 0.5
"""How long a server may think about our certificate before the first record goes out."""
_LOOK_S: Final = 0.002
"""How often the kernel is asked whether the other side has everything."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Who the server must be, and who we are."""

    ca: Path | None = None
    """Certificates that the server's chain must end in, PEM; None for the system's."""
    certificate: Path | None = None
    """Our certificate, PEM; None to show none."""
    key: Path | None = None
    """Its private key, PEM."""
    name: str = ""
    """Name that the server's certificate must bear; empty for the host's."""

    def context(self) -> ssl.SSLContext:
        """TLS 1.3 or 1.2 (RFC 9662), with the server's name checked.

        Raises:
            OSError: a file cannot be read, or is no certificate or key.
        """
        context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context


class StreamSink:
    """A syslog server over TCP, with TLS where a context is given."""

    def __init__(
        self,
        target: Target,
        context: ssl.SSLContext | None,
        *,
        name: str = "",
        frame: Frame = octets,
        seconds_max: float = _SECONDS_MAX,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connect with the first record.

        Args:
            target: where the server listens.
            context: how to speak TLS; None for none.
            name: name that the server's certificate must bear; empty for the target's host.
            frame: how messages are told apart.
            seconds_max: how long the server may take nothing.
            pause: waits so many seconds.
        """
        self._target = target
        self._context = context
        self._name = name or target.host
        self._frame = frame
        self._seconds_max = seconds_max
        self._pause = pause
        self._socket: socket.socket | None = None
        self._recent: deque[bytes] = deque()
        self._recent_bytes = 0

    def deliver(self, records: Sequence[bytes]) -> None:
        """Arrived when the server's kernel has them; after a break, what went before it goes again first."""
        framed = [self._frame(record) for record in records]
        try:
            if self._socket is None:
                self._socket = self._connect()
                self._send(self._socket, b"".join(self._recent))
            self._send(self._socket, b"".join(framed))
            self._arrived(self._socket)
        except OSError as error:
            self._drop()
            raise SinkError(f"{self._target}: {_why(error)}") from None
        self._remember(framed)

    def close(self) -> None:
        """Say the end; over TLS await that the server says it too, for it has read everything then."""
        if self._socket is None:
            return
        try:
            # A server that closes without a close_notify of its own has read everything too, or TCP would say reset.
            with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                if isinstance(self._socket, ssl.SSLSocket):
                    self._socket.unwrap()
        except OSError as error:
            raise SinkError(f"{self._target}: the server did not end the connection in order: {_why(error)}") from None
        finally:
            self._drop()

    def _connect(self) -> socket.socket:
        """A connection, checked."""
        plain = socket.create_connection((self._target.host, self._target.port), self._seconds_max)
        if self._context is None:
            return plain
        try:
            secured = self._context.wrap_socket(plain, server_hostname=self._name)
        except OSError:
            plain.close()
            raise
        try:
            # In TLS 1.3 a server judges our certificate after our side is done. Its tickets, or its alert, say how.
            select.select([secured], [], [], _VERDICT_S)
            _demand_open(secured, self._seconds_max)
        except OSError:
            secured.close()
            raise
        return secured

    def _send(self, connection: socket.socket, data: bytes) -> None:
        """Write everything; any progress gives the server its full time again."""
        left = memoryview(data)
        while left:
            left = left[connection.send(left[:65_536]) :]

    def _arrived(self, connection: socket.socket) -> None:
        """Wait until the other kernel has every byte; OSError where the connection broke or stands still."""
        before, waited_s = -1, 0.0
        while unsent := _unsent(connection):
            waited_s = waited_s + _LOOK_S if unsent == before else 0.0
            if waited_s > self._seconds_max:
                raise TimeoutError
            before = unsent
            _demand_open(connection, self._seconds_max)
            self._pause(_LOOK_S)
        _demand_open(connection, self._seconds_max)

    def _remember(self, framed: Sequence[bytes]) -> None:
        """Keep the newest for another time."""
        for message in framed:
            self._recent.append(message)
            self._recent_bytes += len(message)
        while self._recent_bytes > _AGAIN_BYTES:
            self._recent_bytes -= len(self._recent.popleft())

    def _drop(self) -> None:
        """Let the connection go."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class UdpSink:
    """A datagram each (RFC 5426). Nothing tells whether one arrives: for alerts, not for an export."""

    def __init__(self, target: Target) -> None:
        """Send to `target`."""
        self._target = target

    def deliver(self, records: Sequence[bytes]) -> None:
        """Sent; whether it arrived nobody knows."""
        try:
            found = socket.getaddrinfo(self._target.host, self._target.port, type=socket.SOCK_DGRAM)
            family, kind, protocol, _, address = found[0]
            with socket.socket(family, kind, protocol) as out:
                for record in records:
                    out.sendto(record, address)
        except OSError as error:
            raise SinkError(f"{self._target}: {_why(error)}") from None

    def close(self) -> None:
        """Nothing is held."""


def _unsent(connection: socket.socket) -> int:
    """Bytes that the other side's kernel does not have yet (SIOCOUTQ, which Linux numbers as TIOCOUTQ)."""
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])


def _demand_open(connection: socket.socket, seconds_max: float) -> None:
    """OSError where the server has ended the connection. A syslog server says nothing else."""
    connection.settimeout(0)
    try:
        with suppress(BlockingIOError, ssl.SSLWantReadError):
            if not connection.recv(1):
                raise ConnectionResetError("the server ended the connection")
    finally:
        connection.settimeout(seconds_max)


def _why(error: OSError) -> str:
    """What went wrong, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS: {error.reason.lower().replace('_', ' ')}"
    if isinstance(error, TimeoutError):
        return "it took nothing for too long"
    return error.strerror or str(error) or type(error).__name__
