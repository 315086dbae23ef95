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
import signal
from collections import defaultdict
from collections.abc import Callable
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_DUMPABLE = 4  # <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


def tie() -> None:
    """Die with the process that started this one, and leave no core dump: it holds what people wrote.

    The kernel forgets the first on fork and the second on exec, so every process of vLLM calls this for itself.

    Raises:
        OSError: the kernel refused.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_DUMPABLE, 0)


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
    """Kill every descendant, and unlink the shared memory that they leave behind.

    The latter is the resource tracker's work: it is spared, and ends by itself once nobody holds its pipe any more.
    """
    tracker: Any = resource_tracker._resource_tracker  # noqa: SLF001  # there is no public way
    spared = getattr(tracker, "_pid", None)
    for pid in descendants(os.getpid()):
        if pid != spared:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if spared is not None:
        with contextlib.suppress(Exception):  # it may be gone; then there is nothing that could be done
            tracker._stop()  # noqa: SLF001  # likewise


def descendants(ancestor: int) -> list[int]:
    """Return the ids of all processes below one, parents first."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended in the meantime
            # proc(5): pid (name) state ppid …; a name may hold anything, a parenthesis too
            children[int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])].append(int(stat.parent.name))
    found: list[int] = []
    generation = [ancestor]
    while generation:
        generation = [child for parent in generation for child in children[parent]]
        found += generation
    return found


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
