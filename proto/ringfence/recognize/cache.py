"""Compiled files that are kept between starts, and checked before they are used.

The first 32 bytes of a file are the SHA-256 of the rest. The digest finds accidents, not forgeries: file and folder
must belong to the process's own user, and what others may write to is not read. A cache that cannot be read or written
costs time, nothing else.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

_DIGEST_BYTES = 32
_OTHERS_WRITE = 0o022


def read_cached(path: Path) -> bytes | None:
    """What lies at `path`, if it is whole and nobody else may write to it or to its folder; else None."""
    try:
        for place in (path.parent, path):
            status = place.stat()
            if status.st_uid != os.getuid() or status.st_mode & _OTHERS_WRITE:
                return None
        blob = path.read_bytes()
    except OSError:
        return None
    digest, body = blob[:_DIGEST_BYTES], blob[_DIGEST_BYTES:]
    return body if hashlib.sha256(body).digest() == digest else None


def write_cached(path: Path, body: bytes) -> None:
    """Put `body` there, 0600 in a folder 0700, whole or not at all."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")  # mkstemp makes it 0600
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
