"""Digests that were verified, remembered beside what the kernel says of each file, so that no start hashes 40 GB again.

A stamp counts while device, inode, length, and the times of the last change of content and of inode are the same. The
last of them (ctime) cannot be set by whoever writes the file, short of turning the clock back. The stamp is as
trustworthy as the place that it lies in: a daemon keeps its own in its state folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ringfence import durable

STAMPS_BYTES_MAX: Final = 1024 * 1024
"""A thousand files take some 250 KB."""
_BLOCK_BYTES: Final = 4 * 2**20
_READABLE: Final = 0o640
_FOLDER_MODE: Final = 0o700

Seen = Callable[[int], None]
"""Is told of each further piece that was hashed, in bytes."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One file as it was when its digest was computed."""

    device: int
    """Of the file system."""
    inode: int
    """Of the file."""
    size_bytes: int
    """Its length."""
    mtime_ns: int
    """When its content last changed."""
    ctime_ns: int
    """When anything of it last changed."""
    sha256: str
    """What it held, hex."""


def stamp_of(status: os.stat_result, sha256: str) -> Stamp:
    """The stamp of a file whose digest is known."""
    return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, sha256)


def hash_file(path: Path, seen: Seen | None = None) -> Stamp:
    """Read all of a file; links are not followed.

    Args:
        path: the file.
        seen: told of progress.

    Raises:
        OSError: it is a link, or cannot be read.
    """
    digest = hashlib.sha256()
    buffer = bytearray(_BLOCK_BYTES)
    view = memoryview(buffer)
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0) as file:  # noqa: PTH123 - no link
        before = os.fstat(file.fileno())
        while count := file.readinto(buffer):
            digest.update(view[:count])
            if seen:
                seen(count)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise OSError(f"{path.name} changed while it was read")
    return stamp_of(after, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found when a model was last hashed."""

    at: str
    """When: RFC 3339, UTC."""
    files: Mapping[str, Stamp]
    """By path."""


def read(path: Path) -> Verified | None:
    """What is remembered; None where nothing is, or it cannot be read: then all is hashed again."""
    try:
        # No link is followed and no pipe waited for: root's doctor reads this in a folder that may be the daemon's.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - by its descriptor
            document = json.loads(file.read(STAMPS_BYTES_MAX))
        return Verified(str(document["at"]), {name: Stamp(**stamp) for name, stamp in document["files"].items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write(path: Path, verified: Verified) -> None:
    """Remember; where that is not possible (a folder that may only be read), the next start hashes again."""
    document = {"at": verified.at, "files": {name: asdict(stamp) for name, stamp in verified.files.items()}}
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        durable.replace(path, json.dumps(document, indent=1, sort_keys=True) + "\n", _READABLE)
