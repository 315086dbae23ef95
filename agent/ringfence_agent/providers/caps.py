"""What an answer may be at most, whatever the provider sends. Nothing that breaks a cap is kept, and nothing unpacked.

    the head        looked at before the body is read: size, number of headers, type, no compression, no length too long
    the wire        every byte between two requests, heads, chunk sizes and trailers included
    the body        its bytes; of an error a beginning is enough
    the events      of a stream (WHATWG HTML, section 9.2): how many, and how long and of how many lines each

How long it may take is the caller's (`Provider.send`), and for each read the door's.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpcore2
import httpx2

from ringfence_agent.providers import ProviderError, Tally
from ringfence_agent.providers.translated import translated

EVENT_STREAM: Final = "text/event-stream"
"""Server-sent events (WHATWG HTML, section 9.2)."""
_ERROR_BYTES_MAX: Final = 64 * 1024
"""So much of an error's body is read; it only serves to name the error."""
_ERRORS: Final = 400
"""The first status of an error (RFC 9110, section 15.5)."""
_WIRE_FACTOR: Final = 2
_WIRE_EXTRA_BYTES: Final = 256 * 1024
"""What chunks and heads may add to a body on the wire: as much again, and so much."""
_EVENT_END: Final = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
"""A line's end and an empty line."""
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_CARRIED_BYTES: Final = 3
"""An event's end may come in pieces: this much of it may have come before."""

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits of one provider's answers."""

    body_bytes_max: int
    """Longest body."""
    head_bytes_max: int = 32 * 1024
    """Longest head: names and values together."""
    headers_max: int = 128
    """Most headers."""
    events_max: int = 262_144
    """Most events of a stream; a token is one event at most."""
    event_bytes_max: int = 1024 * 1024
    """Longest event: a tool call's arguments may come as one."""
    event_lines_max: int = 256
    """Most lines of an event; SDKs join them one by one, which takes ever longer."""

    @property
    def wire_bytes_max(self) -> int:
        """Most bytes between two requests on a connection."""
        return _WIRE_FACTOR * self.body_bytes_max + _WIRE_EXTRA_BYTES


def demand_head(status: int, headers: Sequence[tuple[bytes, bytes]], caps: Caps, media_type: str) -> None:
    """Refuse an answer by its head.

    Args:
        status: of the answer.
        headers: of the answer.
        caps: the limits.
        media_type: what was asked for; an error may be of any other.

    Raises:
        ProviderError: too_long, or bad_answer.
    """
    if len(headers) > caps.headers_max or sum(len(n) + len(v) for n, v in headers) > caps.head_bytes_max:
        raise ProviderError("too_long", f"the answer's head is longer than {caps.head_bytes_max} bytes")
    if any(coding not in {"", "identity"} for coding in _values(headers, b"content-encoding")):
        raise ProviderError("bad_answer", "the provider answered with a compressed body, which nobody asked for")
    if status >= _ERRORS:
        return
    if any(length.isdecimal() and int(length) > caps.body_bytes_max for length in _values(headers, b"content-length")):
        raise ProviderError("too_long", f"the answer is longer than {caps.body_bytes_max} bytes")
    is_answer = status // 100 == 2  # noqa: PLR2004 - a class of statuses
    if is_answer and [value.partition(";")[0].strip() for value in _values(headers, b"content-type")] != [media_type]:
        raise ProviderError("bad_answer", f"the provider's answer is not the {media_type} that was asked for")


def _values(headers: Headers, wanted: bytes) -> list[str]:
    """What a header says, each time that it stands there, in lower case."""
    return [value.decode("latin-1").strip().lower() for name, value in headers if name.lower() == wanted]


class Events:
    """Counts the events of a stream and how long each is, as its bytes come."""

    def __init__(self, caps: Caps) -> None:
        """Begin with none."""
        self._caps = caps
        self._events = 0
        self._bytes = self._lines = 0
        self._carried = b""

    def see(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            ProviderError: too_long: too many events, or one too long.
        """
        *ended, begun = _EVENT_END.split(self._carried + data)
        for event in ended:
            self._demand_short(event)
            self._bytes = self._lines = 0
        self._demand_short(begun)
        self._events += len(ended)
        if self._events > self._caps.events_max:
            raise ProviderError("too_long", f"the answer has more than {self._caps.events_max} events")
        self._carried = begun[-_CARRIED_BYTES:]
        done = begun[: len(begun) - len(self._carried)]
        self._bytes += len(done)
        self._lines += _lines(done)

    def _demand_short(self, event: bytes) -> None:
        """Refuse an event that is too long already."""
        if self._bytes + len(event) > self._caps.event_bytes_max:
            raise ProviderError("too_long", f"an event of the answer is longer than {self._caps.event_bytes_max} bytes")
        if self._lines + _lines(event) > self._caps.event_lines_max:
            raise ProviderError("too_long", f"an event of the answer has more than {self._caps.event_lines_max} lines")


def _lines(data: bytes) -> int:
    """How many lines end in it."""
    return sum(1 for _ in _LINE_END.finditer(data))


class CappedBody(httpx2.AsyncByteStream):
    """An answer's body, counted, and no longer than allowed."""

    def __init__(self, response: httpcore2.Response, tally: Tally, caps: Caps, media_type: str) -> None:
        """Read `response`'s body, of an answer whose head was looked at; count it in `tally`."""
        self._response = response
        self._tally = tally
        self._caps = caps
        self._is_error = response.status >= _ERRORS
        self._events = Events(caps) if media_type == EVENT_STREAM and not self._is_error else None
        self._bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body, as it comes; asked again it goes on where it stopped, as the SDK does to empty a connection."""
        stream = self._response.stream
        assert isinstance(stream, AsyncIterable)
        with translated():
            async for data in stream:
                self._bytes += len(data)
                self._tally.bytes_in += len(data)
                if self._is_error and self._bytes > _ERROR_BYTES_MAX:
                    return
                if self._bytes > self._caps.body_bytes_max:
                    raise ProviderError("too_long", f"the answer is longer than {self._caps.body_bytes_max} bytes")
                if self._events is not None:
                    self._events.see(data)
                yield data

    async def aclose(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        await self._response.aclose()


class Metered(httpcore2.AsyncNetworkStream):
    """A connection that brings no more than `bytes_max` between two requests, whatever its bytes are for."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, bytes_max: int) -> None:
        """Count what comes over `stream`."""
        self._stream = stream
        self._bytes_max = bytes_max
        self._bytes = 0

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> bytes:
        """The next bytes.

        Raises:
            ProviderError: too_long.
        """
        data = await self._stream.read(max_bytes, timeout)
        self._bytes += len(data)
        if self._bytes > self._bytes_max:
            raise ProviderError("too_long", f"the answer takes more than {self._bytes_max} bytes on the wire")
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> None:
        """Write a piece of a request; the answer is counted anew."""
        self._bytes = 0
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """What is known of the connection."""
        return self._stream.get_extra_info(info)
