"""A process shuts itself in.

1. nothing of its memory goes to a disk: no core dump, no swap where the limit allows that
2. nothing that it starts has more rights than it has; it has no capabilities itself
3. Landlock: files, TCP ports, signals, abstract unix sockets
4. seccomp: system calls

Each is inherited by all that the process starts, and none can be taken back.
"""

from __future__ import annotations

import ctypes
import os
import resource
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ringfence.confine import bpf, filtering, landlock
from ringfence.confine.libc import LIBC, NoSuchCall, call, prctl
from ringfence.confine.numbers import UnknownMachine, machine
from ringfence.confine.walls import Walls

# <linux/prctl.h>
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_READ: Final = 23
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION: Final = 0x20080522  # _LINUX_CAPABILITY_VERSION_3 of <linux/capability.h>
_CAPABILITIES_MAX: Final = 64
_MCL_ALL: Final = 7  # MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT of <asm-generic/mman.h>
_SECCOMP_SET_MODE_FILTER: Final = 1  # <linux/seccomp.h>
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1


@dataclass(frozen=True)
class Standing:
    """What is in force."""

    landlock: int = 0
    """Version of Landlock; 0 where it is not in force."""
    seccomp: bool = False
    """Whether system calls are judged."""
    locked: bool = False
    """Whether the process's memory is kept from swap by itself."""
    missing: tuple[str, ...] = ()
    """What is not in force and why, a sentence each; empty where everything is."""

    @property
    def judges_ports(self) -> bool:
        """Whether TCP ports are judged."""
        return self.landlock >= landlock.NETWORK_ABI

    @property
    def judges_signals(self) -> bool:
        """Whether signals and abstract unix sockets are judged."""
        return self.landlock >= landlock.SCOPE_ABI


def enclose(walls: Walls, *, locks_memory: bool = False) -> Standing:
    """Shut this process in. To be called while it has one thread; there is no way back.

    Args:
        walls: what is left to it.
        locks_memory: keep its memory from swap, where RLIMIT_MEMLOCK is unlimited.

    Returns:
        what is in force from now on; where the kernel lacks something, what and why.

    Raises:
        OSError: the kernel refused what every kernel has.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    locked = locks_memory and _lock()
    drop_capabilities(walls.capabilities)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    standing = _filter(walls, _restrict(walls, Standing(locked=locked)))
    prctl(_PR_SET_DUMPABLE, 0)
    return standing


def narrow(walls: Walls) -> bool:
    """Add a filter of system calls to those in force, for all threads; whether the kernel took it.

    For what is known only later: once all ports are open, no socket of the internet's families need be made any more.
    """
    return _filter(walls, Standing()).seccomp


def drop_capabilities(kept: frozenset[int] = frozenset()) -> None:
    """Give up every capability but those, now and for everything that is started.

    Raises:
        OSError: the kernel refused, which it never does to less.
    """
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for one in range(_CAPABILITIES_MAX):
        try:
            if one not in kept and prctl(_PR_CAPBSET_READ, one):
                prctl(_PR_CAPBSET_DROP, one)
        except OSError:
            break  # the last that this kernel knows is passed, or one may not: then it has no capability to lose
    if not (permitted := _permitted()):
        return  # nothing to give up; a unit's filter of system calls denies capset(2) even so
    has = permitted & sum(1 << one for one in kept)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    low, high = has & bpf.WORD, has >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    if LIBC.capset(ctypes.byref(header), ctypes.byref(data)):
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")


def _permitted() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)


def _lock() -> bool:
    """Keep all memory from swap as it is first touched; only where no limit could make a later mmap(2) fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard != resource.RLIM_INFINITY:
        return False
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
    return bool(LIBC.mlockall(_MCL_ALL) == 0)


def _restrict(walls: Walls, standing: Standing) -> Standing:
    abi = landlock.version()
    if not abi:
        return _lacking(
            standing,
            "Landlock is not in force: the kernel has none or has it off (lsm=), or a unit forbids it",
        )
    if (threads := len(list(Path("/proc/self/task").iterdir()))) != 1:
        return _lacking(standing, f"Landlock is not in force: {threads - 1} threads were there before it")
    landlock.restrict(walls, abi)
    found = replace(standing, landlock=abi)
    if abi < landlock.NETWORK_ABI and walls.connects is not None and walls.families:
        found = _lacking(found, f"TCP ports are not judged: this kernel's Landlock is version {abi}, 4 judges them")
    if abi < landlock.SCOPE_ABI and walls.is_scoped:
        found = _lacking(found, f"signals are not judged: this kernel's Landlock is version {abi}, 6 judges them")
    return found


def _filter(walls: Walls, standing: Standing) -> Standing:
    try:
        program = bpf.assemble(filtering.rules(walls), machine(), filtering.NEWEST)
        instructions = ctypes.create_string_buffer(program, len(program))
        length = len(program) // bpf.INSTRUCTION.size
        # struct sock_fprog of <linux/filter.h>: the number of instructions, padded, and where they are
        table = ctypes.create_string_buffer(
            length.to_bytes(8, "little") + ctypes.addressof(instructions).to_bytes(8, "little"), 16
        )
        if thread := call("seccomp", _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, ctypes.addressof(table)):
            return _lacking(standing, f"system calls are not judged: thread {thread} has a filter of its own")
    except (UnknownMachine, NoSuchCall, OSError) as error:
        return _lacking(standing, f"system calls are not judged: {error}")
    return replace(standing, seccomp=True)


def _lacking(standing: Standing, why: str) -> Standing:
    return replace(standing, missing=(*standing.missing, why))
