"""What strace saw: calls on the agent's files in their order, and what of each file was durable when. Pure.

The model of a disk is the pessimist's: of a file there is, after a power cut, what a successful fsync or fdatasync of
it has covered, and nothing else. ``strace -ff -ttt -T -y`` writes one file for each thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

CALLS = (
    "openat,read,pread64,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,ftruncate,truncate,unlink,"
    "unlinkat,mkdir,mkdirat,flock"
)
"""What is traced: all that can change a file, and what reads it."""
_LINE = re.compile(r"^(\d+\.\d+) (\w+)\((.*)\) += (-?\d+|\?)(.*?)(?: <(\d+\.\d+)>)?$")
_FILE = re.compile(r"^\d+<([^>]*)>")
_NAMED = re.compile(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"([^"]*)"')
_NAMING = ("openat", "rename", "unlink", "mkdir", "truncate")
"""Calls that name their files; the others have a descriptor."""
_SYNCS = ("fsync", "fdatasync")
_WRITES = ("write", "pwrite64", "writev")


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that ended, or during which the process did."""

    began_s: float
    """Unix time."""
    ended_s: float
    name: str
    paths: tuple[str, ...]
    """Of the file descriptor, or as named."""
    arguments: str
    result: int | None
    """None where it never returned."""
    injected: bool
    """It was made to fail, or to wait."""
    thread: int


def parse(lines: Iterable[str], thread: int) -> list[Call]:
    """The calls of one thread."""
    calls = []
    for line in lines:
        if found := _LINE.match(line.rstrip("\n")):
            began, name, arguments, result, rest, lasted = found.groups()
            calls.append(
                Call(
                    float(began),
                    float(began) + float(lasted or 0),
                    name,
                    _paths(name, arguments),
                    arguments,
                    None if result == "?" else int(result),
                    "INJECTED" in rest or "DELAYED" in rest,
                    thread,
                )
            )
    return calls


def _paths(name: str, arguments: str) -> tuple[str, ...]:
    """The files that a call is about; names are relative to the folder whose descriptor stands before them."""
    if name.startswith(_NAMING):
        found = _NAMED.findall(arguments)
        return tuple(named if named.startswith("/") or not folder else f"{folder}/{named}" for folder, named in found)
    descriptor = _FILE.match(arguments)
    return (descriptor.group(1),) if descriptor else ()


@dataclass
class Disk:
    """How long each file was, and how much of it durable, at every time."""

    lengths: dict[str, int] = field(default_factory=dict)
    """Path to length now."""
    synced: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    """Path to (since when, how many bytes are durable)."""

    def begin(self, path: str, length: int) -> None:
        """A file that was there, durably."""
        self.lengths[path] = length
        self.synced[path] = [(0.0, length)]

    def replay(self, calls: Iterable[Call]) -> None:
        """Take in calls, in the order in which they ended."""
        for call in sorted(calls, key=lambda one: one.ended_s):
            if call.result is not None and call.result >= 0 and call.paths:
                self._take(call, call.paths[0], call.result)

    def durable(self, path: str, at_s: float) -> int:
        """How many bytes of a file were durable at a time."""
        known = [length for since_s, length in self.synced.get(path, ()) if since_s <= at_s]
        return known[-1] if known else 0

    def _take(self, call: Call, path: str, result: int) -> None:
        if call.name in _WRITES:
            self.lengths[path] = self.lengths.get(path, 0) + result
        elif call.name in _SYNCS:
            self.synced.setdefault(path, []).append((call.ended_s, self.lengths.get(path, 0)))
        elif call.name.startswith("rename") and len(call.paths) > 1:
            self.lengths[call.paths[1]] = self.lengths.pop(path, 0)
            self.synced[call.paths[1]] = self.synced.pop(path, [])
        elif call.name in ("ftruncate", "truncate"):
            self.lengths[path] = int(call.arguments.rsplit(",", 1)[1])
            shorter = min(self.durable(path, call.ended_s), self.lengths[path])
            self.synced.setdefault(path, []).append((call.ended_s, shorter))
        elif call.name == "openat" and "O_TRUNC" in call.arguments:
            self.lengths[path] = 0
            self.synced[path] = []
        elif call.name.startswith("unlink"):
            self.lengths.pop(path, None)
            self.synced.pop(path, None)
