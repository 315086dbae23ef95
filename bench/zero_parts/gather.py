"""Gathers what there is to search: what traced processes gave away, files, what deleted files hold while they run."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from zero_parts.places import BETWEEN, NOWHERE, Layout, is_foreign, place_of
from zero_parts.trace import Event, Given, Opened, Unseen

JOINED_BYTES_MAX = 1 << 26
"""What was written to one file is searched in pieces of so many bytes at most."""
_SHARED = Path("/dev/shm")
"""Where shm_open(3) puts it."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes to search."""

    place: str
    """One of `places.PLACES`, or `places.BETWEEN`."""
    name: str
    """Which file or socket, without the site's own folder."""
    data: bytes
    """All of it."""


@dataclass
class Seen:
    """What a trace adds up to."""

    written: list[Blob]
    """What was given away, by where it went, in order."""
    unseen: list[str]
    """Why bytes may have gone unseen; a run with any proves nothing."""
    opened: set[str]
    """Files that were opened to write."""
    mapped: set[str]
    """Files that were written through memory, where no call shows it: they must be read."""
    calls: int
    """How many writes there were."""


def add_up(events: Iterable[Event], layout: Layout) -> Seen:
    """Put together what went to the same place: what is split over two writes is found as well.

    Threads are traced apart, so their writes are put in order by their times.
    """
    given: dict[str, list[Given]] = defaultdict(list)
    seen = Seen([], [], set(), set(), 0)
    for event in events:
        if isinstance(event, Given):
            given[event.to].append(event)
            seen.calls += 1
        elif isinstance(event, Unseen):
            if place_of(event.to, layout) not in (BETWEEN, NOWHERE):
                seen.unseen.append(f"{event.call} to {_short(event.to, layout)}: {event.why}")
        elif isinstance(event, Opened):
            seen.opened.add(event.path)
            if event.mapped and place_of(event.path, layout) != NOWHERE and not _is_semaphore(event.path):
                seen.mapped.add(_short(event.path.removesuffix("(deleted)"), layout))
        elif is_foreign(event.path, layout) and event.path:
            seen.unseen.append(f"connected to {event.path}, which is none of the site's sockets")
    for to, several in given.items():
        place = place_of(to, layout)
        if place != NOWHERE:
            several.sort(key=lambda one: one.at_s)
            seen.written += (Blob(place, _short(to, layout), data) for data in _joined(one.data for one in several))
    return seen


def _is_semaphore(path: str) -> bool:
    """A POSIX semaphore: 32 bytes that count (sem_overview(7))."""
    return path.startswith("/dev/shm/sem.")


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting, length = [], 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length > JOINED_BYTES_MAX:
            yield b"".join(waiting)
            waiting, length = [], 0
    yield b"".join(waiting)


def files(layout: Layout, opened: Iterable[str]) -> Iterator[Blob]:
    """Every file of the site, cores and temporary files too, and whatever else was opened to write and is there."""
    paths = {path for root in (layout.folder, layout.cores, layout.temporary) for path in Path(root).rglob("*")}
    paths |= {Path(path) for path in opened}
    for path in sorted(paths):
        if path.is_file() and not str(path).startswith(("/proc/", "/dev/null", "/sys/")):
            with contextlib.suppress(OSError):
                yield Blob(place_of(str(path), layout), _short(str(path), layout), path.read_bytes())


def shared_names() -> frozenset[str]:
    """Named shared memory that there is now, whoever's it is."""
    return frozenset(map(str, _SHARED.rglob("*")))


def shared_memory(before: frozenset[str]) -> Iterator[Blob]:
    """Named shared memory that was not there before the run."""
    for path in _SHARED.rglob("*"):
        if path.is_file() and str(path) not in before:
            with contextlib.suppress(OSError):
                yield Blob("shared memory", path.name, path.read_bytes())


def held(processes: Iterable[psutil.Process], layout: Layout) -> Iterator[Blob]:
    """What running processes hold open and nobody can open any more: deleted files, memory files."""
    for process in processes:
        folder = Path(f"/proc/{process.pid}/fd")
        with contextlib.suppress(OSError):
            for descriptor in folder.iterdir():
                with contextlib.suppress(OSError):
                    target = str(descriptor.readlink())
                    if target.startswith("/") and target.endswith("(deleted)"):
                        name = target.removesuffix(" (deleted)")
                        yield Blob(place_of(name, layout), _short(name, layout), descriptor.read_bytes())


def _short(to: str, layout: Layout) -> str:
    """Without the folders of this run."""
    for folder, name in ((layout.cores, "cores"), (layout.temporary, "tmp"), (layout.folder, "site")):
        if to.startswith(folder):
            return name + to[len(folder) :]
    return to
