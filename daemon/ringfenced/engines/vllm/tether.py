"""No process of vLLM outlives the engine, and none is left behind when one of them dies.

vLLM computes in processes of its own: EngineCore, which schedules, and workers, one for each device. Left alone, an
EngineCore whose front end was killed waits for ever, and workers whose EngineCore was killed stay for seconds, with the
devices' memory. Here each dies with the one that started it (`tie`), the front end is told of EngineCore's death by the
kernel (`watch`) and leaves nothing behind (`reap`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_DUMPABLE = 4  # <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>

SHARED = Path("/dev/shm")  # noqa: S108  # where shm_open(3) puts it
"""Where shared memory is found as files."""

_SHARED_NAME = re.compile(r"r([0-9a-f]{1,6})_[0-9a-f]{4,}")
"""`_shared_prefix` and what Python adds; a group's number has 22 bits at most (proc(5), pid_max)."""


def tie() -> None:
    """Die with the process that started this one, leave no core dump, and name shared memory so that it is found.

    The kernel forgets the first on fork and the second on exec, so every process of vLLM calls this for itself.

    Raises:
        OSError: the kernel refused.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_DUMPABLE, 0)  # its memory holds what people wrote
    shared_memory._SHM_NAME_PREFIX = f"/{_shared_prefix(os.getpgid(0))}"  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way


def adopt() -> None:
    """Become the parent of descendants whose own parent dies, so that `reap` finds them.

    Raises:
        OSError: the kernel refused.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def watch(on_death: Callable[[], None]) -> None:
    """Have the running loop call something once a process that `multiprocessing` started here has ended."""
    loop = asyncio.get_running_loop()
    for child in multiprocessing.active_children():
        loop.add_reader(child.sentinel, on_death)


def reap() -> None:
    """Kill every descendant, and unlink the shared memory of this process's group.

    Python's resource tracker is spared: it unlinks the rest, and ends by itself once nobody holds its pipe any more.
    """
    spared = getattr(resource_tracker._resource_tracker, "_pid", None)  # noqa: SLF001  # there is no public way
    for pid in descendants(os.getpid()):
        if pid != spared:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    _unlink(lambda group: group == os.getpgid(0))


def sweep() -> None:
    """Unlink the shared memory of engines that were killed with all their processes, so that nobody could."""
    alive = {one.group for one in _processes() if one.state not in "ZX"}
    _unlink(lambda group: group not in alive)


def _unlink(is_meant: Callable[[int], bool]) -> None:
    for path in SHARED.iterdir() if SHARED.is_dir() else ():
        found = _SHARED_NAME.fullmatch(path.name)
        if found is not None and is_meant(int(found[1], 16)):
            with contextlib.suppress(OSError):  # another user's, or gone
                path.unlink()


def _shared_prefix(group: int) -> str:
    """Return how a process group's shared memory is called: Python leaves nine characters for it."""
    return f"r{group:x}_"


def descendants(ancestor: int) -> list[int]:
    """Return the ids of all processes below one, parents first."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for one in _processes():
        children[one.parent].append(one.pid)
    found: list[int] = []
    generation = [ancestor]
    while generation:
        generation = [child for parent in generation for child in children[parent]]
        found += generation
    return found


class _Process(NamedTuple):
    """A process, as proc(5) tells of it."""

    pid: int
    state: str
    """One letter; Z and X have ended."""
    parent: int
    group: int


def _processes() -> Iterator[_Process]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended in the meantime
            # pid (name) state ppid pgrp …; a name may hold anything, a parenthesis too
            state, parent, group = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            yield _Process(int(stat.parent.name), state, int(parent), int(group))


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
