"""What was compiled from a site's files, kept beside the main database: its files' names, and which of them go.

A compiled dictionary holds its terms, so files are 0600 in a folder of the process's own user, and what no list of the
site's stands behind any more is removed. Hashed dictionaries are never compiled into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ringfence.recognize.database import fingerprint

_PREFIX = "custom-"


def cache_name(kind: str, parts: Iterable[bytes]) -> str:
    """The file's name: a digest of the library, the CPU and everything in `parts`."""
    state = hashlib.sha256(fingerprint(()).encode())
    for part in parts:
        state.update(hashlib.sha256(part).digest())
    return f"{_PREFIX}{kind}-{state.hexdigest()[:32]}.hs"


def remove_others(folder: Path, kept: Iterable[str]) -> None:
    """Remove compiled files that no list stands behind any more: they hold terms that the site took off."""
    names = frozenset(kept)
    try:
        for path in folder.glob(f"{_PREFIX}*.hs"):
            if path.name not in names:
                path.unlink(missing_ok=True)
    except OSError:
        return
