"""Two small file systems, for the agent's log and the daemon's state; each can be filled to its last page and freed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

FILLER = "filler"
LOG_MIB, STATE_MIB = 96, 96
"""Room for an hour's entries and settlements, and for the 64 MiB that a node calls enough (`ringfenced.site.node`); a
filled one takes as much of the machine's memory."""


class Disk:
    """One folder with a file system of its own, or, without the right to mount one, a folder that cannot be filled."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        """Take a folder that is one."""
        self._filler = folder / FILLER
        self._mounted = mounted
        self._freed_s = 0.0

    @property
    def is_full(self) -> bool:
        """Whether it has been filled and not freed yet."""
        return self._filler.exists()

    @property
    def was_full_s(self) -> float:
        """The last Unix time at which it was full; 0 for never."""
        return time.time() if self.is_full else self._freed_s

    def fill(self) -> bool:
        """Leave no page; whether that could be done."""
        if not self._mounted:
            return False
        step = 1 << 20
        with self._filler.open("wb") as filler:
            while step >= os.sysconf("SC_PAGE_SIZE"):
                try:
                    os.posix_fallocate(filler.fileno(), filler.tell(), step)
                    filler.seek(0, os.SEEK_END)
                except OSError:
                    step //= 2
        return True

    def free(self) -> None:
        """Give it all back."""
        self._filler.unlink(missing_ok=True)
        self._freed_s = time.time()


@contextlib.contextmanager
def small(folder: Path, mib: int, *, mount: bool) -> Iterator[Disk]:
    """A file system of so many MiB at `folder`; gone when left."""
    folder.mkdir(mode=0o700)
    if mount:
        options = f"size={mib}m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield Disk(folder, mounted=mount)
    finally:
        if mount:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
