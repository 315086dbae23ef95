"""What a process asks of the operating system: to keep its memory to itself, and to say that it is ready."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2), from linux/prctl.h."""

_UCRED: Final = struct.Struct("=iII")
"""Process, user and group: struct ucred of unix(7)."""


def keep_memory() -> None:
    """No core dumps, and no other process of the same user may look inside (prctl(2), ptrace(2)).

    Raises:
        OSError: the kernel will not.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")


def peer_pid(connection: socket.socket) -> int:
    """Return the process at the other end of a unix socket: who connected to us, or who listened where we connected.

    The kernel tells it (SO_PEERCRED, unix(7)), as of the moment when that process connected or began to listen: it may
    have ended since.

    Args:
        connection: a connected stream socket; an event loop's stand-in for one will do.

    Returns:
        its process id; 0 where it is in a namespace of processes that this one does not see.

    Raises:
        OSError: it is no unix socket.
    """
    pid: int = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))[0]
    return pid


def peer_session(connection: socket.socket) -> int | None:
    """Return the session of the process at the other end of a unix socket (`peer_pid`).

    A process is born into its session and can leave it for one of its own, and nobody can join another's (setsid(2)).

    Args:
        connection: a connected stream socket; an event loop's stand-in for one will do.

    Returns:
        the process that leads the session; 0 where that one is outside of this process's namespace, as where a
        container's first process was started into a session from outside (pid_namespaces(7)); None where the process
        itself is outside.

    Raises:
        ProcessLookupError: the process has ended.
        OSError: it is no unix socket.
    """
    pid = peer_pid(connection)
    return os.getsid(pid) if pid > 0 else None  # getsid(0) would be our own


def notify(environment: Mapping[str, str], state: str) -> None:
    """Tell the service manager, where one listens (sd_notify(3)).

    Args:
        environment: holds ``NOTIFY_SOCKET`` under systemd.
        state: for example ``READY=1``.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A manager that has gone is no reason to fail: sd_notify's callers ignore what it returns, too.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier, suppress(OSError):
        notifier.connect("\0" + address[1:] if address.startswith("@") else address)
        notifier.sendall(state.encode())
