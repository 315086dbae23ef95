"""Which faults there are: every system call that a workload makes on the agent's files, each in every way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from faults_parts.trace import Call

KILL = "SIGKILL"
"""The process ends before the call is made."""
POWER = "power cut"
"""The same, and whatever no fsync has covered is gone."""
SLOW = "slow"
"""The call takes 0.1 s longer, before it does anything."""
_SYNC = ("EIO", "ENOSPC", "EDQUOT", "EIO+", KILL, POWER, SLOW)
_RENAME = ("EIO", "ENOSPC", "EROFS", "EROFS+", KILL, POWER)
_REMOVE = ("EIO", "EROFS", KILL, POWER)
_KINDS = {
    "write": ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EIO+", "ENOSPC+", "EROFS+", KILL, POWER),
    "fdatasync": _SYNC,
    "fsync": _SYNC,
    "openat": ("EIO", "EMFILE", "EROFS", "EROFS+", KILL, POWER),
    "rename": _RENAME,
    "renameat": _RENAME,
    "renameat2": _RENAME,
    "ftruncate": _REMOVE,
    "unlink": _REMOVE,
    "unlinkat": _REMOVE,
    "mkdir": ("EIO", "EROFS", KILL),
    "mkdirat": ("EIO", "EROFS", KILL),
    "flock": ("ENOLCK", KILL),
    "read": ("EIO", "EIO+", KILL),
    "pread64": ("EIO", "EIO+", KILL),
}
"""Call to what is injected; with a plus sign, into every later one too."""


@dataclass(frozen=True, slots=True)
class Point:
    """One fault."""

    workload: str
    group: str
    """``call``, ``short write``, ``length limit``, ``clock``, ``damage`` or ``full disk``."""
    call: str
    """The system call, or what is done instead."""
    kind: str
    """How it fails."""
    number: int
    """At which occurrence, from 1."""

    def __str__(self) -> str:
        return f"{self.workload}: {self.call} {self.kind} at {self.number}"


def counted(calls: Iterable[Call], paths: frozenset[str]) -> Counter[str]:
    """How often each call is made on `paths` by the thread that makes it most."""
    by_thread = Counter((call.name, call.thread) for call in calls if paths.intersection(call.paths))
    most: Counter[str] = Counter()
    for (name, _), number in by_thread.items():
        most[name] = max(most[name], number)
    return most


def of_calls(workload: str, most: Counter[str]) -> Iterator[Point]:
    """Every fault of every call of a workload."""
    for name, kinds in _KINDS.items():
        for number in range(1, most[name] + 1):
            for kind in kinds:
                yield Point(workload, "call", name, kind, number)


def injection(point: Point) -> list[str]:
    """Strace's options for a point; none where strace has no part in it."""
    if point.group != "call":
        return []
    when = f"when={point.number}"
    match point.kind:
        case "SIGKILL" | "power cut":
            return ["-e", f"inject={point.call}:signal=SIGKILL:{when}"]
        case "slow":
            return ["-e", f"inject={point.call}:delay_enter=100000:{when}"]
        case kind:
            return ["-e", f"inject={point.call}:error={kind.rstrip('+')}:{when}{'+' if kind.endswith('+') else ''}"]
