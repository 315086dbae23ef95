"""The processes of a site: what they take, and what of them is left. Linux alone."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import psutil

from chaos_parts import stage
from fakes.site import Site

_SET_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of <linux/prctl.h>."""


class Sample(NamedTuple):
    """What one process took at one time."""

    role: str
    """``daemon``, ``agent``, ``engine house``, ``engine tiny``."""
    pid: int
    at_s: float
    """Unix time."""
    resident_bytes: int
    descriptors: int
    requests: int
    """How many had ended by then."""


def adopt() -> None:
    """Become the parent of every process whose own parent ends, however deep below: so that none is lost sight of.

    Raises:
        OSError: the kernel does not do that.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def below(site: Site | None = None) -> list[psutil.Process]:
    """Everything that runs below this process, without what belongs to `site`; what has ended is buried."""
    kept: set[int] = set()
    for process in (site.daemon, site.agent) if site else ():
        with suppress(psutil.Error):
            kept |= {process.pid, *(one.pid for one in psutil.Process(process.pid).children(recursive=True))}
    found = [one for one in psutil.Process().children(recursive=True) if one.pid not in kept]
    return [one for one in found if not _ended(one)]


def _ended(process: psutil.Process) -> bool:
    """Whether a process runs no more; one that was adopted is taken off the kernel's list."""
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            return False
        if process.ppid() == os.getpid():
            os.waitpid(process.pid, os.WNOHANG)
    except (psutil.Error, ChildProcessError):
        pass
    return True


def samples(site: Site, at_s: float, requests: int) -> Iterator[Sample]:
    """What each process of the site takes now; one that is away, or has just begun, is passed over."""
    roles = [("daemon", site.daemon.pid), ("agent", site.agent.pid), *_engines(site)]
    for role, pid in roles:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                yield Sample(role, pid, at_s, process.memory_info().rss, process.num_fds(), requests)


def _engines(site: Site) -> Iterator[tuple[str, int]]:
    with suppress(psutil.Error):
        for process in stage.engines(site):
            with suppress(psutil.Error):
                scripted = "ringfenced.engines.scripted" in process.cmdline()
                yield f"engine {'house' if scripted else 'tiny'}", process.pid


def names(processes: Iterable[psutil.Process]) -> list[str]:
    """What processes are called, for a report."""
    said = []
    for process in processes:
        with suppress(psutil.Error):
            said.append(" ".join(word for word in process.cmdline()[:5] if "/" not in word) or process.name())
    return said
