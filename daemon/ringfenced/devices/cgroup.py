"""What our cgroup lets us have: a container's or a unit's memory, not the machine's.

https://docs.kernel.org/admin-guide/cgroup-v2.html#memory and, for the older hierarchy, cgroup-v1/memory.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

V1_NONE: Final = 1 << 60
"""The older hierarchy writes no limit as a number close to 2^63."""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """The tightest limit on the way from our cgroup to the root."""

    limit_bytes: int
    """memory.max."""
    used_bytes: int | None
    """memory.current without the part of the page cache that nobody used lately: what the kernel can take back."""

    @property
    def free_bytes(self) -> int | None:
        """What can still be taken under it; None where the use is not known."""
        return None if self.used_bytes is None else max(0, self.limit_bytes - self.used_bytes)


_V2: Final = ("memory.max", "memory.current", "inactive_file")
_V1: Final = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@dataclass(frozen=True, slots=True)
class MemoryGroups:
    """Our cgroup and those above it."""

    folders: tuple[tuple[Path, tuple[str, str, str]], ...]
    """Each one's folder, and the names that files and figures have there."""

    @classmethod
    def ours(cls, root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> MemoryGroups:
        """The groups that this process is in; those that do not exist are left out.

        Args:
            root: where the hierarchies are mounted.
            own: the file that says which groups we are in.
        """
        return cls(tuple((folder, names) for folder, names in _folders(root, own) if (folder / names[0]).exists()))

    def limit(self) -> MemoryLimit | None:
        """The limit with the least room; None where there is none, or it cannot be read."""
        limits = [limit for folder, names in self.folders if (limit := _limit(folder, *names)) is not None]
        return min(limits, key=_room, default=None)


def _room(limit: MemoryLimit) -> int:
    return limit.limit_bytes if limit.free_bytes is None else limit.free_bytes


def _folders(root: Path, own: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Our group's folder and each above it."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:  # hierarchy:controllers:path
        _, controllers, path = [*line.split(":", 2), "-", "/"][:3]
        if controllers == "":
            top, names = root, _V2
        elif "memory" in controllers.split(","):
            top, names = root / "memory", _V1
        else:
            continue
        relative = Path(path.lstrip("/"))
        if ".." in relative.parts:  # a group outside of our namespace: what is mounted is all that we see
            relative = Path()
        for above in (relative, *relative.parents):
            yield top / above, names


def _limit(folder: Path, limit_name: str, used_name: str, cache_name: str) -> MemoryLimit | None:
    limit = _number(folder / limit_name)
    if limit is None or limit >= V1_NONE:
        return None
    used, cache = _number(folder / used_name), _figure(folder / "memory.stat", cache_name)
    return MemoryLimit(limit, None if used is None else max(0, used - (cache or 0)))


def _number(path: Path) -> int | None:
    """A file that holds one number; None for ``max`` and for what cannot be read."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _figure(path: Path, name: str) -> int | None:
    """One figure of a file of lines ``name figure``."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        key, _, figure = line.partition(" ")
        if key == name and figure.isdecimal():
            return int(figure)
    return None
