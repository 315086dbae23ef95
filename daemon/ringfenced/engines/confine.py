"""What an engine process does to itself before it touches a model file or a prompt.

The launcher has already scrubbed the environment and made a process group of its own (`launch.py`). Units and charts
take the daemon's network away, and with it the engines'; where they do not, an engine takes it from itself. Linux only,
like the rest.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_DUMPABLE = 4  # <linux/prctl.h>

_CLONE_NEWUSER = 0x10000000  # <linux/sched.h>
_CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_SIOCSIFFLAGS = 0x8914  # <linux/sockios.h>
_IFF_UP_RUNNING = 0x41  # <linux/if.h>

OOM_SCORE_ADJ = 1000
"""The first to be killed when memory runs out (proc(5), /proc/pid/oom_score_adj)."""


class ParentGone(RuntimeError):
    """The process that started this one died before it could be tied to it."""


def confine(parent_pid: int, *, needs_network: bool = False) -> None:
    """Die with the parent, leave no core dump, be the first that the kernel kills for memory, and have no network.

    To be called before there is a second thread.

    Args:
        parent_pid: the process that started this one; 0 where somebody started it by hand.
        needs_network: keep the network, for an engine that spans several nodes.

    Raises:
        ParentGone: the parent died in the meantime.
        OSError: the kernel refused what it must not refuse; that the network stays is no error (`leave_network`).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not needs_network:
        leave_network(libc)
    if parent_pid:
        _prctl(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            raise ParentGone(f"the parent process {parent_pid} is gone")
    with contextlib.suppress(PermissionError):  # the walls of a daemon that runs as root leave no /proc to write to
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJ), encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(libc, _PR_SET_DUMPABLE, 0)  # last: from here on the process's files in /proc belong to root


def leave_network(libc: ctypes.CDLL) -> bool:
    """Move this process to a network of its own that has nothing but a loopback; whether the kernel let it.

    Unix sockets are found by the file system and work as before. Where namespaces are forbidden, as under our systemd
    unit, the same unit has already taken the network away. It comes before PDEATHSIG, which a change of credentials may
    clear (prctl(2)).
    """
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    # The same ids inside as outside: what asks for the user's name or owns files works as before.
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    # A stream socket: the daemon's walls leave its engines no datagrams.
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING))
    return True


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
