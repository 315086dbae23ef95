"""Framing between daemon and engine: a 4-byte little-endian length, then one protobuf message (engine.proto).

Pure: bytes in, payloads out. Parsing the payload is the caller's; so is closing the connection after an error, since
what follows a broken length cannot be found again.
"""

from __future__ import annotations

import struct

FRAME_BYTES_MAX = 32 * 1024 * 1024
"""Longest payload that either side takes. A request with its pictures must fit; steps are far shorter."""

_LENGTH = struct.Struct("<I")
_LENGTH_BYTES = _LENGTH.size


class FrameError(ValueError):
    """A frame longer than the limit; carries the lengths only."""


def encode(payload: bytes, *, frame_bytes_max: int = FRAME_BYTES_MAX) -> bytes:
    """Put the length before a serialised message.

    Args:
        payload: the message's bytes.
        frame_bytes_max: longest payload, in bytes.

    Raises:
        FrameError: the payload is longer than that.
    """
    if len(payload) > frame_bytes_max:
        raise FrameError(f"a frame of {len(payload)} bytes exceeds the limit of {frame_bytes_max}")
    return _LENGTH.pack(len(payload)) + payload


class FrameDecoder:
    """Cuts a byte stream, however chunked, into payloads. One per connection; not for several tasks at once."""

    __slots__ = ("_buffer", "_frame_bytes_max")

    def __init__(self, *, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._frame_bytes_max = frame_bytes_max

    @property
    def pending_bytes(self) -> int:
        """How many bytes of an incomplete frame are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return every payload that is now complete, in order.

        Raises:
            FrameError: a length exceeds the limit; the decoder must not be used any more.
        """
        if not self._buffer:  # nearly always: a read ends where a frame ends
            payloads, used = self._cut(data)
            if used < len(data):
                self._buffer += data[used:]
            return payloads
        self._buffer += data
        payloads, used = self._cut(self._buffer)
        if used:
            del self._buffer[:used]
        return payloads

    def _cut(self, data: bytes | bytearray) -> tuple[list[bytes], int]:
        """Return the complete payloads in `data` and how many bytes they and their lengths take."""
        payloads: list[bytes] = []
        start, end = 0, len(data)
        while start + _LENGTH_BYTES <= end:
            (length,) = _LENGTH.unpack_from(data, start)
            if length > self._frame_bytes_max:
                raise FrameError(f"a frame of {length} bytes exceeds the limit of {self._frame_bytes_max}")
            stop = start + _LENGTH_BYTES + length
            if stop > end:
                break
            payloads.append(bytes(data[start + _LENGTH_BYTES : stop]))
            start = stop
        return payloads, start
