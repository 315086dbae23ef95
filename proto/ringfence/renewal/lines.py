"""Connections by the certificates that they were made with: new calls take the newest, others end where they began."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import grpc

from ringfence.renewal.certificates import Certificates, Pems

C = TypeVar("C")

Open = Callable[[grpc.ChannelCredentials], C]
"""Makes a channel; nothing is connected yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One method, as a stub asks a channel for it."""

    kind: str
    """``unary_unary`` and so on: the channel's own method that makes it."""
    arguments: tuple[Any, ...]
    """Its path."""
    codec: dict[str, Any]
    """How its messages are written and read."""


@dataclass(slots=True, eq=False)
class Line(Generic[C]):
    """One channel."""

    channel: C
    """Made with `pems`."""
    pems: Pems
    """What stood in the files then."""
    calls: int = 0
    """How many run on it."""
    bound: dict[Method, Any] = field(default_factory=dict)
    """Methods that were called on it, ready to be called again; they go with the line."""

    def bind(self, method: Method) -> Any:
        """A stub's method on this channel."""
        if method not in self.bound:
            self.bound[method] = getattr(self.channel, method.kind)(*method.arguments, **method.codec)
        return self.bound[method]


class Lines(Generic[C]):
    """The channel of the newest certificates, and those that calls still run on. For any number of threads."""

    def __init__(self, certificates: Certificates, open_channel: Open[C], close: Callable[[C], None]) -> None:
        """Make the first channel.

        Args:
            certificates: the files.
            open_channel: makes a channel.
            close: ends one that nobody uses any more; called from whichever thread takes or drops.
        """
        self._certificates = certificates
        self._open = open_channel
        self._close = close
        self._lock = threading.Lock()
        self._newest = self._fresh(certificates.current())
        self._older: list[Line[C]] = []

    def take(self) -> Line[C]:
        """Where a new call goes; `give` it back when the call has ended."""
        with self._lock:
            pems = self._certificates.current()
            if pems is not self._newest.pems:
                self._older.append(self._newest)
                self._newest = self._fresh(pems)
            self._newest.calls += 1
            line = self._newest
        self.drop_idle()
        return line

    def give(self, line: Line[C]) -> None:
        """A call has ended."""
        with self._lock:
            line.calls -= 1

    def drop_idle(self) -> None:
        """Close what nobody uses any more."""
        with self._lock:
            idle = [line for line in self._older if not line.calls]
            self._older = [line for line in self._older if line.calls]
        for line in idle:
            self._close(line.channel)

    def channels(self) -> tuple[C, ...]:
        """Every channel that is not closed, the newest first."""
        with self._lock:
            return (self._newest.channel, *(line.channel for line in self._older))

    def _fresh(self, pems: Pems) -> Line[C]:
        """A channel of these certificates."""
        return Line(self._open(grpc.ssl_channel_credentials(pems.authority, pems.key, pems.certificate)), pems)
