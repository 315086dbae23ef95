"""What was compiled from a site's files, kept beside the main database and checked before it is used.

A compiled dictionary holds its terms, so files are 0600 in a folder of the process's own user, and what no list of the
site's stands behind any more is removed. Hashed dictionaries are never compiled into it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ringfence.recognize.database import fingerprint

_DIGEST_BYTES = 32
_PREFIX = "custom-"


def cache_name(kind: str, parts: Iterable[bytes]) -> str:
    """The file's name: a digest of the library, the CPU and everything in `parts`."""
    state = hashlib.sha256(fingerprint(()).encode())
    for part in parts:
        state.update(hashlib.sha256(part).digest())
    return f"{_PREFIX}{kind}-{state.hexdigest()[:32]}.hs"


def read_cached(path: Path) -> bytes | None:
    """What lies at `path`, if it is whole and nobody else may write to it or to its folder; else None."""
    try:
        for place in (path.parent, path):
            status = place.stat()
            if status.st_uid != os.getuid() or status.st_mode & 0o022:
                return None
        blob = path.read_bytes()
    except OSError:
        return None
    digest, body = blob[:_DIGEST_BYTES], blob[_DIGEST_BYTES:]
    return body if hashlib.sha256(body).digest() == digest else None


def write_cached(path: Path, body: bytes) -> None:
    """Put `body` there, 0600, whole or not at all. A cache that cannot be written costs time, nothing else."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{_PREFIX}")  # mkstemp makes it 0600
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)


def remove_others(folder: Path, kept: Iterable[str]) -> None:
    """Remove compiled files that no list stands behind any more: they hold terms that the site took off."""
    names = frozenset(kept)
    try:
        for path in folder.glob(f"{_PREFIX}*.hs"):
            if path.name not in names:
                path.unlink(missing_ok=True)
    except OSError:
        return
