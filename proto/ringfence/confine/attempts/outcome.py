"""What an attempt is, what it is given, and what can come of it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

TEST_NET_4: Final = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): nobody has this address."""
TEST_NET_6: Final = "2001:db8::1"
"""The documentation prefix (RFC 3849)."""
METADATA: Final = "192.0.2.254"
"""Stands for 169.254.169.254, where clouds keep credentials: nobody has this address either."""
DISCARD: Final = 9
"""Port of the discard protocol (RFC 863)."""


class Outcome(enum.Enum):
    """How an attempt ended."""

    BLOCKED = "blocked"
    """Something was in the way; the detail says what."""
    ESCAPED = "escaped"
    """Nothing was; the detail says what was got."""
    UNCLEAR = "unclear"
    """It ended in a way that no wall makes it end: nothing was got, and it shows nothing; the detail says how."""
    NOT_HERE = "not here"
    """It cannot be tried on this machine, or nothing was given to try it on; the detail says why."""


class NotHere(Exception):
    """Raised by an attempt that cannot be tried; its text says why."""


@dataclass(frozen=True)
class Result:
    """What came of one attempt."""

    outcome: Outcome
    """How it ended."""
    detail: str
    """What was in the way, what was got, or why it was not tried."""


@dataclass(frozen=True)
class Given:
    """What attempts are made on. The defaults reach nobody (RFC 5737, RFC 3849)."""

    address4: str = TEST_NET_4
    """IPv4 address to be reached."""
    address6: str = TEST_NET_6
    """IPv6 address to be reached."""
    port: int = DISCARD
    """TCP port there."""
    udp_port: int = DISCARD
    """UDP port there."""
    metadata: tuple[str, ...] = (METADATA,)
    """Addresses where something answers to HTTP on port 80, as a cloud's metadata service does."""
    name: str = "escape.ringfence.invalid"
    """Host name that a resolver is asked for (RFC 6761: ``.invalid`` exists nowhere)."""
    abstract: str = ""
    """Name of an abstract unix socket on which somebody outside listens; empty for none."""
    unix: tuple[str, ...] = ()
    """Paths of unix sockets on which somebody outside listens, beside the well-known ones."""
    helper: str = ""
    """Path of a unix socket on which somebody outside hands a connected socket to whoever connects (SCM_RIGHTS)."""
    beside: tuple[str, ...] = ()
    """Folders in which others have their unix sockets."""
    pid: int = 1
    """A process outside."""
    writable: tuple[str, ...] = ()
    """Folders in which the process may write; well-known ones are tried after them."""
    environment: dict[str, str] = field(default_factory=dict)
    """Its environment, for proxies that stand in it."""
    accepted: int = -1
    """Descriptor of a TCP connection over IPv4 that it accepted before it was shut in; -1 for one that it tries to
    make. What is given is lost by the attempt, for other processes that have it too."""
    listening: int = -1
    """Descriptor of a TCP socket over IPv4 on which it listened before it was shut in; likewise."""
    is_answered: bool = False
    """Whether somebody answers at the addresses: then silence means that nothing arrived."""
    wait_s: float = 0.3
    """Seconds to wait for an answer."""


@dataclass(frozen=True)
class Attempt:
    """One way out."""

    name: str
    """Names it in reports and on the command line."""
    what: str
    """One sentence: what is tried."""
    attempt: Callable[[Given], str]
    """Tries it: returns what it got, raises OSError where it was stopped and `NotHere` where there is nothing to try.

    It runs in a process of its own, which ends right after, and undoes what outlives that process.
    """
