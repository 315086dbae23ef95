"""A channel for threads whose certificates are renewed while calls run."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import grpc

from ringfence.renewal.certificates import Certificates
from ringfence.renewal.lines import Lines, Method, Open


class ThreadChannel(grpc.Channel):
    """What a stub asks of a channel. Each call goes over a connection of the newest certificates.

    An older connection is closed when the next call finds it idle.
    """

    def __init__(self, certificates: Certificates, open_channel: Open[grpc.Channel]) -> None:
        """Make it; the first call connects.

        Args:
            certificates: the files.
            open_channel: makes the channels that calls really run on.
        """
        self._lines = Lines(certificates, open_channel, lambda channel: channel.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every connection; calls in flight are cancelled."""
        for channel in self._lines.channels():
            channel.close()

    def subscribe(self, callback: Any, try_to_connect: bool | None = False) -> None:
        """To the newest connection."""
        self._lines.channels()[0].subscribe(callback, bool(try_to_connect))

    def unsubscribe(self, callback: Any) -> None:
        """From every connection."""
        for channel in self._lines.channels():
            channel.unsubscribe(callback)

    # What follows is typed by the stubs that call it.

    def unary_unary(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Unary(self._lines, Method("unary_unary", method, codec))

    def unary_stream(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Stream(self._lines, Method("unary_stream", method, codec))

    def stream_unary(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Unary(self._lines, Method("stream_unary", method, codec))

    def stream_stream(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Stream(self._lines, Method("stream_stream", method, codec))


class _Call:
    """One method, on whichever channel is the newest when it is called."""

    def __init__(self, lines: Lines[grpc.Channel], method: Method) -> None:
        self._lines = lines
        self._method = method


class _Unary(_Call):
    """A call that ends when its answer is there."""

    def __call__(self, *request: Any, **options: Any) -> Any:
        """Call, and wait."""
        line = self._lines.take()
        try:
            return line.bind(self._method)(*request, **options)
        finally:
            self._lines.give(line)


class _Stream(_Call):
    """A call that goes on after it was begun."""

    def __call__(self, *request: Any, **options: Any) -> Any:
        """Begin a call."""
        line = self._lines.take()
        try:
            call = line.bind(self._method)(*request, **options)
        except BaseException:
            self._lines.give(line)
            raise
        if not call.add_callback(lambda: self._lines.give(line)):
            self._lines.give(line)
        return call
