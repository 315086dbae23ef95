"""A control group for each engine, where the daemon's own is delegated to it: what bounds and tells its memory.

systemd delegates with ``Delegate=memory`` and ``DelegateSubgroup=daemon`` (systemd.resource-control(5)): the daemon
then sits in a group of its own, and may make others beside it, as version 2 of control groups wants it. Where it is
not so, engines have the daemon's bounds, and the kernel's order of whom to kill (`confine.OOM_SCORE_ADJ`).
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
"""Where version 2 is mounted (cgroups(7))."""

SLACK = 1.15
"""What an engine may take for each byte that was planned: what Python, the tokenizer and malloc add, and more error
than any plan of ours has shown. An engine that leaks ends before the node does."""

SLACK_BYTES = 512 * 1024**2
"""And so much besides, for the process itself."""


class EngineCgroups:
    """The folder that engines' control groups are made in."""

    def __init__(self, folder: Path) -> None:
        """Use `delegated`."""
        self._folder = folder

    @classmethod
    def delegated(cls, root: Path = ROOT, own: Path = Path("/proc/self/cgroup")) -> EngineCgroups | None:
        """The group above the daemon's own, if memory is delegated there; None where it is not."""
        try:
            lines = own.read_text(encoding="utf-8").splitlines()
            path = next(line[3:] for line in lines if line.startswith("0::"))
            folder = (root / path.lstrip("/")).parent
            if folder == root.parent or not os.access(folder / "cgroup.subtree_control", os.W_OK):
                return None
            if "memory" not in (folder / "cgroup.controllers").read_text(encoding="ascii").split():
                return None
            (folder / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
        except (OSError, StopIteration):
            return None
        return cls(folder)

    def make(self, number: int, planned_bytes: int | None) -> EngineCgroup | None:
        """A group for the engine of that number; None where the kernel does not make it.

        Args:
            number: the engine's.
            planned_bytes: what it should take of the node's own memory; None for no bound.
        """
        folder = self._folder / f"engine-{number}"
        try:
            folder.mkdir(exist_ok=True)
            if planned_bytes:
                most = int(planned_bytes * SLACK) + SLACK_BYTES
                (folder / "memory.max").write_text(str(most), encoding="ascii")
        except OSError:
            with contextlib.suppress(OSError):
                folder.rmdir()
            return None
        return EngineCgroup(folder)


class EngineCgroup:
    """One engine's control group."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, pid: int) -> None:
        """Move a process in; one that cannot be moved stays in the daemon's group."""
        with contextlib.suppress(OSError):
            (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def remove(self) -> None:
        """Remove the group; nothing may run in it any more."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()
