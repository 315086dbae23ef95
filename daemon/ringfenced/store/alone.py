"""A folder that one daemon at a time may use."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the file `lock` for this process alone while entered; the end of the process releases it too (flock(2)).

    The file stays, and holds nothing. Processes that this one starts do not hold it.

    Args:
        lock: in the folder that others must leave alone, which exists.

    Raises:
        OSError: another process holds it.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f"another daemon uses {lock.parent}; stop it or give this one a folder of its own") from None
        yield
    finally:
        os.close(descriptor)
