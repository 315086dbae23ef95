"""A syslog server over real TLS (RFC 5425) or TCP, in a thread: it keeps what it reads, and fails as a test asks.

with SyslogServer(certs) as server:
    ... tcp+tls://localhost:{server.port} ...
    assert server.messages == [b"<110>1 ..."]
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ringfenced.cli.auditing.netsinks import Trust
from ringfenced.cli.auditing.target import Target, Way


@dataclass
class SyslogServer:
    """Accepts one connection after the other."""

    certs: Path
    """A `ringfence dev-certs` folder; the server shows `daemon.pem`."""
    tls: bool = True
    demands_certificate: bool = False
    lines: bool = False
    """Messages end with a line feed instead of being counted."""
    port: int = 0
    """0 takes a free one."""
    break_after: list[int] = field(default_factory=list)
    """How many messages each of the first connections may bring before it is reset with whatever is still unread."""
    receive_bytes: int = 0
    """How much the kernel takes for it; 0 for its own choice."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Nothing is read before it is set."""
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def target(self) -> Target:
        return Target(Way.TLS if self.tls else Way.TCP, "localhost", self.port)

    def trust(self, name="auditor") -> Trust:
        return Trust(self.certs / "ca.pem", self.certs / f"{name}.pem", self.certs / f"{name}.key")

    def __enter__(self) -> Self:
        self.gate.set()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certs / "daemon.pem", self.certs / "daemon.key")
        if self.demands_certificate:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(self.certs / "ca.pem")
        self._listener = socket.create_server(("localhost", self.port))
        if self.receive_bytes:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_bytes)
        self.port = self._listener.getsockname()[1]
        self._open = True
        self._current: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self.gate.set()
        with contextlib.suppress(OSError), socket.create_connection(("localhost", self.port), 5):
            self._listener.close()
            if self._current is not None:
                socket.socket.shutdown(self._current, socket.SHUT_RDWR)  # an SSLSocket's own forgets its TLS
        self._thread.join(10)
        assert not self._thread.is_alive()

    def await_messages(self, count: int) -> None:
        """Wait until so many have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.messages) >= count, 20), len(self.messages)

    def _serve(self) -> None:
        while self._open:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            plain.settimeout(30)
            with contextlib.suppress(OSError), plain, self._secured(plain) as connection:
                self._current = connection
                self._read(connection)

    def _secured(self, plain: socket.socket) -> socket.socket:
        return self._context.wrap_socket(plain, server_side=True) if self.tls else plain

    def _read(self, connection: socket.socket) -> None:
        self.connections += 1
        left = self.break_after.pop(0) if self.break_after else None
        buffer = b""
        while True:
            self.gate.wait(20)
            data = connection.recv(4096)
            if not data:
                if isinstance(connection, ssl.SSLSocket):
                    connection.unwrap()
                return
            buffer += data
            while (found := self._message(buffer)) is not None:
                message, buffer = found
                if left == 0:
                    # Close with a reset, as a process does that dies with bytes unread.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                left = None if left is None else left - 1
                with self.arrived:
                    self.messages.append(message)
                    self.arrived.notify_all()

    def _message(self, buffer: bytes) -> tuple[bytes, bytes] | None:
        """The first whole message, and what follows it."""
        if self.lines:
            line, newline, rest = buffer.partition(b"\n")
            return (line, rest) if newline else None
        count, space, rest = buffer.partition(b" ")
        if not space or len(rest) < int(count):
            return None
        return rest[: int(count)], rest[int(count) :]
