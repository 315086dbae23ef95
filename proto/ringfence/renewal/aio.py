"""A channel for one asyncio loop whose certificates are renewed while calls run."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from ringfence.renewal.certificates import Certificates
from ringfence.renewal.lines import Line, Lines, Method, Open


class AsyncChannel(grpc.aio.Channel):
    """What a stub asks of a channel. Each call goes over a connection of the newest certificates."""

    def __init__(self, certificates: Certificates, open_channel: Open[grpc.aio.Channel]) -> None:
        """Make it; the first call connects.

        Args:
            certificates: the files.
            open_channel: makes the channels that calls really run on.
        """
        # Closing is a coroutine, and nobody may be there to await it: gRPC closes a channel that is let go of.
        self._lines = Lines(certificates, open_channel, lambda _channel: None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """End every connection; calls in flight get `grace` seconds."""
        for channel in self._lines.channels():
            await channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Of the newest connection."""
        return self._newest().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Of the newest connection."""
        await self._newest().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the newest connection stands."""
        await self._newest().channel_ready()

    # What follows is typed by the stubs that call it.

    def unary_unary(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Call(self._lines, Method("unary_unary", method, codec))

    def unary_stream(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Call(self._lines, Method("unary_stream", method, codec))

    def stream_unary(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Call(self._lines, Method("stream_unary", method, codec))

    def stream_stream(self, *method: Any, **codec: Any) -> Any:
        """A method of a stub."""
        return _Call(self._lines, Method("stream_stream", method, codec))

    def _newest(self) -> grpc.aio.Channel:
        return self._lines.channels()[0]


class _Call:
    """One method, on whichever channel is the newest when it is called."""

    def __init__(self, lines: Lines[grpc.aio.Channel], method: Method) -> None:
        self._lines = lines
        self._method = method

    def __call__(self, *request: Any, **options: Any) -> Any:
        """Begin a call."""
        line = self._lines.take()
        try:
            call = line.bind(self._method)(*request, **options)
        except BaseException:
            self._lines.give(line)
            raise
        call.add_done_callback(lambda _call: self._ended(line))
        return call

    def _ended(self, line: Line[grpc.aio.Channel]) -> None:
        self._lines.give(line)
        self._lines.drop_idle()
