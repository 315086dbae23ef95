"""Other processes: their memory, their descriptors, and their ends."""

from __future__ import annotations

import ctypes
import os
import resource
from pathlib import Path
from typing import Final

from ringfence.confine.attempts.kernel import call, permitted
from ringfence.confine.attempts.outcome import Given, NotHere

_PTRACE_SEIZE: Final = 0x4206  # <linux/ptrace.h>
_KCMP_VM: Final = 1  # <linux/kcmp.h>
_IOVEC_BYTES: Final = 16


def ptrace(given: Given) -> str:
    """Take hold of another process as a debugger does; this process's end lets go of it."""
    pid = _victim(given)
    call("ptrace", _PTRACE_SEIZE, pid, 0, 0)
    return f"holds process {pid}"


def read_memory_file(given: Given) -> str:
    """Another process's memory, by its file."""
    return _open(f"/proc/{_victim(given)}/mem", os.O_RDONLY)


def write_memory_file(given: Given) -> str:
    """The same, to be written; nothing is."""
    return _open(f"/proc/{_victim(given)}/mem", os.O_RDWR)


def read_memory(given: Given) -> str:
    """Another process's memory, by process_vm_readv(2)."""
    return _memory("process_vm_readv", _victim(given))


def write_memory(given: Given) -> str:
    """The same, to be written, at an address at which nothing is."""
    return _memory("process_vm_writev", _victim(given))


def take_descriptor(given: Given) -> str:
    """A descriptor of another process, a socket perhaps (pidfd_getfd(2))."""
    pid = _victim(given)
    held = call("pidfd_open", pid, 0)
    return permitted("pidfd_getfd", held, 0, 0) + f" on process {pid}"


def signal(given: Given) -> str:
    """End another process; the signal that is sent is 0, which only asks whether one may."""
    pid = _victim(given)
    os.kill(pid, 0)
    return f"may signal process {pid}"


def environment(given: Given) -> str:
    """Another process's environment, in which secrets often stand."""
    return _open(f"/proc/{_victim(given)}/environ", os.O_RDONLY)


def descriptors(given: Given) -> str:
    """Another process's open files, by their names in /proc."""
    pid = _victim(given)
    names = sorted(Path(f"/proc/{pid}/fd").iterdir())
    if not names:
        raise NotHere(f"process {pid} has no file open")
    return f"process {pid} has {names[0].readlink()} open"


def root(given: Given) -> str:
    """Another process's view of the file system."""
    pid = _victim(given)
    return f"{len(list(Path(f'/proc/{pid}/root/').iterdir()))} entries stand in the root of process {pid}"


def compare(given: Given) -> str:
    """Where the kernel keeps another process's memory, by kcmp(2)."""
    pid = _victim(given)
    return f"compared with process {pid}: {call('kcmp', os.getpid(), pid, _KCMP_VM, 0, 0)}"


def advise(given: Given) -> str:
    """Push another process's memory out (process_madvise(2))."""
    return permitted("process_madvise", call("pidfd_open", _victim(given), 0), 0, 0, 21, 0)


def limits(given: Given) -> str:
    """Another process's limits, read only."""
    pid = _victim(given)
    return f"process {pid} may have {resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]} files open"


def _victim(given: Given) -> int:
    if given.pid in {os.getpid(), os.getppid()} or not Path("/proc/self").exists():
        raise NotHere(f"process {given.pid} is this one")
    return given.pid


def _open(path: str, flags: int) -> str:
    try:
        os.close(os.open(path, flags))
    except FileNotFoundError as error:
        raise PermissionError(error.errno, f"{path} is hidden") from error
    return f"opened {path}"


def _memory(name: str, pid: int) -> str:
    byte = ctypes.create_string_buffer(1)
    local = ctypes.create_string_buffer(
        ctypes.addressof(byte).to_bytes(8, "little") + (1).to_bytes(8, "little"), _IOVEC_BYTES
    )
    remote = ctypes.create_string_buffer((8).to_bytes(8, "little") + (1).to_bytes(8, "little"), _IOVEC_BYTES)
    return permitted(name, pid, ctypes.addressof(local), 1, ctypes.addressof(remote), 1, 0) + f" on process {pid}"
