"""Where content could have been kept: what a trace's descriptor is, and which file is what. Pure.

between processes     unix streams and pipes between daemon, engines, workers and callers: the way of a request, kept
                      nowhere; the canaries must be found here, or the search sees nothing
network               TLS, which shows nothing, and pages in the clear
everything else       must be free of them, as the network must
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

BETWEEN: Final = "between processes"
NOWHERE: Final = "nowhere"
"""/dev/null, and what only counts (eventfd, epoll, timers)."""

PLACES: Final = (
    "logs",
    "decisions",
    "egress log",
    "sealed archive",
    "SQLite",
    "shared memory",
    "temporary files",
    "core files",
    "other files",
    "names and arguments",
    "datagrams",
    "network",
    "metrics page",
    "what operators read",
    "error messages",
)
"""All of them, in the order of reports."""

_KINDS: Final = {
    "UNIX-STREAM": BETWEEN,
    "UNIX-SEQPACKET": BETWEEN,
    "pipe": BETWEEN,
    "UNIX-DGRAM": "datagrams",
    "UNIX": "datagrams",
    "NETLINK": "datagrams",
    "names": "names and arguments",
    "SysV": "shared memory",
    "anon_inode": NOWHERE,
    "/dev/null": NOWHERE,
}
_SQLITE: Final = re.compile(r"\.(sqlite3?|db)(-wal|-shm|-journal)?$")


@dataclass(frozen=True, slots=True)
class Layout:
    """A site's folders, absolute."""

    folder: str
    """The site's own."""
    cores: str
    """Where its processes run, and would leave their cores."""
    temporary: str
    """What they take for temporary files."""


def place_of(to: str, layout: Layout) -> str:
    """Which of `PLACES` a descriptor or a path is, or `BETWEEN`, or `NOWHERE`.

    Args:
        to: as `trace.Given.to` tells it.
        layout: the site's folders.
    """
    path = to.removesuffix("(deleted)")
    if to in _KINDS:
        return _KINDS[to]
    if not path.startswith("/") and not path.startswith("memfd:"):
        return "network" if path.startswith(("TCP", "UDP", "RAW")) else "datagrams"
    if path.startswith(("/dev/shm/", "/memfd:", "memfd:", "/SYSV")):
        return "shared memory"
    if _SQLITE.search(path):
        return "SQLite"
    if _within(path, layout.cores) or PurePath(path).name.split(".")[0] == "core":
        return "core files"
    return _file(path, layout)


def _file(path: str, layout: Layout) -> str:
    """A file that is neither memory, database nor core."""
    folder = layout.folder
    named = {
        f"{folder}/state/decisions": "decisions",
        f"{folder}/log": "egress log",
        f"{folder}/archive": "sealed archive",
        layout.temporary: "temporary files",
    }
    for inside, place in named.items():
        if _within(path, inside):
            return place
    if path.endswith(".log") or path.startswith("/var/log/"):
        return "logs"
    if not _within(path, folder) and path.startswith(("/tmp/", "/var/tmp/")):
        return "temporary files"
    return "other files"


def is_foreign(path: str, layout: Layout) -> bool:
    """Whether a unix socket is none of the site's: somebody else may keep what it gets."""
    return not _within(path, layout.folder)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
