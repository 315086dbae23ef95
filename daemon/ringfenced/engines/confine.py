"""What an engine process does to itself before it touches a model file or a prompt.

The launcher has already scrubbed the environment and made a process group of its own (`launch.py`); units and charts
take the network away. Linux only, like the rest.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_DUMPABLE = 4  # <linux/prctl.h>

OOM_SCORE_ADJ = 1000
"""The first to be killed when memory runs out (proc(5), /proc/pid/oom_score_adj)."""


class ParentGone(RuntimeError):
    """The process that started this one died before it could be tied to it."""


def confine(parent_pid: int) -> None:
    """Die with the parent, leave no core dump, be the first that the kernel kills when memory runs out.

    Args:
        parent_pid: the process that started this one; 0 where somebody started it by hand.

    Raises:
        ParentGone: the parent died in the meantime.
        OSError: the kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if parent_pid:
        _prctl(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            raise ParentGone(f"the parent process {parent_pid} is gone")
    Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJ), encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(libc, _PR_SET_DUMPABLE, 0)  # last: from here on the process's files in /proc belong to root


def silence_stderr() -> None:
    """Send stderr nowhere from now on.

    Libraries print pieces of what they work on when something is wrong with it (llama.cpp prints a grammar that does
    not parse). Up to readiness there is no content, and the launcher keeps the lines; from then on nothing is said.
    """
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def _prctl(libc: ctypes.CDLL, option: int, argument: int) -> None:
    if libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
