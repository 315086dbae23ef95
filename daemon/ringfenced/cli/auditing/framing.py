"""How messages are told apart on a stream. Pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

Frame = Callable[[bytes], bytes]
"""A message to what is written."""


class Framing(StrEnum):
    """The two that servers know (RFC 6587, section 3.4)."""

    OCTETS = "octets"
    """Octet counting, which RFC 5425 demands over TLS."""
    LINES = "lines"
    """A line feed behind each: what a SIEM's plain TCP input reads. No syslog header stands around a record then."""


def octets(message: bytes) -> bytes:
    """Its length in decimal, a space, and the message (RFC 5425, section 4.3)."""
    return str(len(message)).encode() + b" " + message


def lines(message: bytes) -> bytes:
    """The message and a line feed; no record of ours holds one."""
    assert b"\n" not in message
    return message + b"\n"


FRAMES: Final = {Framing.OCTETS: octets, Framing.LINES: lines}
