"""The escape self-test: right after a process has shut itself in, it tries to get out.

What is tried follows from the walls: each attempt that they should stop, whatever stops it in the end (the walls, a
unit, a container). Nothing is sent to a host that exists, but to those that the site names for this.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfence.confine import places
from ringfence.confine.attempts import files, network
from ringfence.confine.attempts.outcome import Attempt, Given, Outcome
from ringfence.confine.attempts.run import tried_together
from ringfence.confine.attempts.table import ALL
from ringfence.confine.enclose import Standing
from ringfence.confine.walls import Walls

_WAIT_S: Final = 0.05
"""How long to wait for an answer: what the walls stop fails at once."""

_NEVER: Final = frozenset(
    {
        # Would ask a host that exists, or needs somebody outside who helps.
        *("dns", "proxy-environment", "proxy-files"),
        *("unix-abstract", "unix-given", "unix-session", "descriptor-handed-over"),
        # Code that already runs gains nothing by it that walls could take: they hold for a library as well. Units
        # forbid it (NoExecPaths=).
        *("ld-preload", "dlopen-written"),
    }
)
_DATAGRAMS: Final = frozenset({"udp4", "udp6", "dns-by-hand", "listen-udp", "unix-resolver"})
_TCP_PORTS: Final = {"dns-over-tcp": 53, "metadata": 80}
_TCP: Final = frozenset(
    {"tcp4", "tcp6", "tcp4-mapped", "tcp4-reused-accepted", "tcp4-reused-listener", "io-uring-connect", *_TCP_PORTS}
)
_WRITTEN_CODE: Final = frozenset({"mmap-write-execute", "mprotect-execute"})
_IN_MEMORY: Final = frozenset({"memfd-exec-path"})
_BY_LANDLOCK: Final = frozenset(
    {
        *("exec-written", "exec-written-script", "secrets", *files.SWITCHES, *files.DEVICES),
        *("proc-mem-read", "proc-mem-write", "proc-environ", "proc-fd", "proc-root"),
        *(f"write-{place}" for place in files.PLACES),
        "unix-beside",
    }
)
"""What a process stops by Landlock alone; units, containers and file permissions stop it too."""
_BY_SCOPE: Final = frozenset({"kill"})
_BY_PORTS: Final = frozenset({"listen-tcp"})
"""Of a process that makes sockets of the internet's families; whom it hears, a packet filter says too."""
_OWN_NETWORK: Final = frozenset({"unshare-user", "unshare-net"})


@dataclass(frozen=True)
class Escape:
    """A way out that worked."""

    name: str
    """The attempt's name."""
    detail: str
    """What it got."""
    is_promised: bool = True
    """Whether what is in force should have stopped it. Otherwise the kernel lacks what would: that is told, and a
    reason to end only where everything is required (``confine.required``)."""


@dataclass(frozen=True)
class Trial:
    """What came of trying to get out."""

    escapes: tuple[Escape, ...] = ()
    """The ways out that worked."""
    made: int = 0
    """How many attempts were really made, and either worked or were stopped."""
    not_here: int = 0
    """How many there was nothing to try on: no such device, socket or call on this machine."""
    unclear: tuple[str, ...] = ()
    """Those that ended in a way that no wall makes them end, and how; they show nothing."""


def trial(walls: Walls, standing: Standing, given: Given, unreachable: Sequence[str] = ()) -> Trial:
    """Try what the walls should stop. Blocking, some tenths of a second.

    Args:
        walls: of this process.
        standing: what of them is in force.
        given: where it may write, and a process outside.
        unreachable: ``address:port`` of hosts that answer, and that must not be reached.
    """
    # Where nothing here judges TCP ports, TEST-NET's silence says nothing: only an answer is an escape then.
    is_silent = bool(walls.families) and not (standing.judges_ports and walls.connects is not None)
    quick = replace(given, wait_s=_WAIT_S, is_answered=is_silent)
    attempts = [*applicable(walls, given), *(_reaching(address) for address in unreachable)]
    results = list(tried_together(attempts, quick))
    outcomes = Counter(result.outcome for _, result in results)
    return Trial(
        escapes=tuple(
            Escape(attempt.name, result.detail, _is_promised(attempt.name, standing))
            for attempt, result in results
            if result.outcome is Outcome.ESCAPED
        ),
        made=outcomes[Outcome.ESCAPED] + outcomes[Outcome.BLOCKED],
        not_here=outcomes[Outcome.NOT_HERE],
        unclear=tuple(f"{each.name}: {result.detail}" for each, result in results if result.outcome is Outcome.UNCLEAR),
    )


def applicable(walls: Walls, given: Given) -> tuple[Attempt, ...]:
    """The attempts that these walls should stop."""
    left = _NEVER | _left(walls, given)
    return tuple(attempt for attempt in ALL if attempt.name not in left)


def _is_promised(name: str, standing: Standing) -> bool:
    """Ways out of the machine are promised shut on every kernel; ways around it need Landlock."""
    if name in _BY_SCOPE:
        return standing.judges_signals
    if name in _BY_PORTS:
        return standing.judges_ports
    return name not in _BY_LANDLOCK or standing.landlock > 0


def _left(walls: Walls, given: Given) -> frozenset[str]:
    """Attempts at what these walls leave open."""
    left: set[str] = set()
    if walls.families:
        left |= {name for name in _TCP if _TCP_PORTS.get(name, given.port) in (walls.connects or ())}
        if walls.listens:
            left.add("listen-tcp")
    if walls.has_datagrams:
        left |= _DATAGRAMS
    if socket.AF_NETLINK in walls.families:
        left.add("netlink-route")
    if walls.writes_code:
        left |= _WRITTEN_CODE
    if walls.starts_programs and (walls.makes_callbacks or walls.writes_code):
        left |= _IN_MEMORY
    if walls.leaves_network:
        left |= _OWN_NETWORK
    for place, folder in files.PLACES.items():
        here = places.at_home(folder)
        if any(here.is_relative_to(write) for write in walls.writes):
            left.add(f"write-{place}")
    return frozenset(left)


def _reaching(address: str) -> Attempt:
    """An attempt at a host that answers."""
    host, _, port = address.rpartition(":")
    return Attempt(
        f"reach {address}", "A host that the site says must not be reached.", _to(host.strip("[]"), int(port))
    )


def _to(host: str, port: int) -> Callable[[Given], str]:
    def attempt(given: Given) -> str:
        answering = replace(given, address4=host, address6=host, port=port, is_answered=True, wait_s=1.0)
        return network.tcp6(answering) if ":" in host else network.tcp4(answering)

    return attempt
