"""Landlock: the kernel holds a process, and all that it starts, to the files, ports and peers that are left to it.

Source of numbers and structures: include/uapi/linux/landlock.h and Documentation/userspace-api/landlock.rst of Linux.
It holds for the thread that asks for it and for what that one starts afterwards, so it comes before all other threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from typing import Final

from ringfence.confine.libc import NoSuchCall, call
from ringfence.confine.walls import Walls

# LANDLOCK_ACCESS_FS_*
EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
REMOVE_DIR: Final = 1 << 4
REMOVE_FILE: Final = 1 << 5
MAKE_CHAR: Final = 1 << 6
MAKE_DIR: Final = 1 << 7
MAKE_REG: Final = 1 << 8
MAKE_SOCK: Final = 1 << 9
MAKE_FIFO: Final = 1 << 10
MAKE_BLOCK: Final = 1 << 11
MAKE_SYM: Final = 1 << 12
REFER: Final = 1 << 13
TRUNCATE: Final = 1 << 14
IOCTL_DEV: Final = 1 << 15
# LANDLOCK_ACCESS_NET_*
BIND_TCP: Final = 1 << 0
CONNECT_TCP: Final = 1 << 1
# LANDLOCK_SCOPE_*
SCOPE_ABSTRACT: Final = 1 << 0
SCOPE_SIGNAL: Final = 1 << 1

NETWORK_ABI: Final = 4
"""First version that judges TCP ports."""
SCOPE_ABI: Final = 6
"""First version that judges signals and abstract unix sockets."""

_READ: Final = READ_FILE | READ_DIR
_MAKE: Final = MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM
_WRITE: Final = _READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | _MAKE | REFER
_LISTEN: Final = READ_DIR | MAKE_SOCK | REMOVE_FILE | REMOVE_DIR
_CONTROL: Final = _READ | WRITE_FILE | TRUNCATE | IOCTL_DEV
_OF_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""What a rule for a file, and not for a folder, may say."""
_CREATE_VERSION: Final = 1  # LANDLOCK_CREATE_RULESET_VERSION
_RULE_PATH: Final = 1  # LANDLOCK_RULE_PATH_BENEATH
_RULE_PORT: Final = 2  # LANDLOCK_RULE_NET_PORT
_ABI_OF: Final = {REFER: 2, TRUNCATE: 3, IOCTL_DEV: 5}


def version() -> int:
    """The version of Landlock that this kernel has (its ABI); 0 for none, or where it is not switched on."""
    try:
        return call("landlock_create_ruleset", None, 0, _CREATE_VERSION)
    except (NoSuchCall, OSError):
        return 0


def judged_files(abi: int) -> int:
    """Every access to files that a version judges, as bits."""
    found = (1 << 13) - 1
    for bit, since in _ABI_OF.items():
        found |= bit if abi >= since else 0
    return found


def judged_ports(walls: Walls, abi: int) -> int:
    """What it judges of TCP for these walls, as bits."""
    if abi < NETWORK_ABI:
        return 0
    return BIND_TCP | CONNECT_TCP if walls.connects is not None else 0


def scopes(walls: Walls, abi: int) -> int:
    """What it keeps among the process and its own, as bits."""
    if abi < SCOPE_ABI or not walls.is_scoped:
        return 0
    return SCOPE_SIGNAL | (0 if walls.reaches_abstract else SCOPE_ABSTRACT)


def paths(walls: Walls) -> tuple[tuple[str, int], ...]:
    """Each path that is left to the process, and what it may do there."""
    found: dict[str, int] = {}
    for some, rights in (
        (walls.reads, _READ),
        (walls.writes, _WRITE),
        (walls.sockets, _LISTEN),
        (walls.runs, _READ | EXECUTE),
        (walls.devices, _CONTROL),
    ):
        for path in some:
            found[path] = found.get(path, 0) | rights
    return tuple(found.items())


def restrict(walls: Walls, abi: int) -> None:
    """Hold this thread, and what it starts from now on, to its walls. `no_new_privs` must be set.

    Paths that are not there are left out: what comes to stand there later is not left to the process.

    Args:
        walls: what is left.
        abi: what `version` said, at least 1.

    Raises:
        OSError: the kernel refused.
    """
    files, ports = judged_files(abi), judged_ports(walls, abi)
    attributes = struct.pack("=QQQ", files, ports, scopes(walls, abi))
    size = 24 if abi >= SCOPE_ABI else 16 if abi >= NETWORK_ABI else 8
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    rules = call("landlock_create_ruleset", ctypes.addressof(buffer), size, 0)
    try:
        for path, rights in paths(walls):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _allow_path(rules, path, rights & files)
        if ports:
            for port in sorted(walls.connects or ()):
                _allow_port(rules, port, CONNECT_TCP)
            for port in sorted(walls.listens):
                _allow_port(rules, port, BIND_TCP)
        call("landlock_restrict_self", rules, 0)
    finally:
        os.close(rules)


def _allow_path(rules: int, path: str, rights: int) -> None:
    held = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(held).st_mode):
            rights &= _OF_FILES
        _allow(rules, _RULE_PATH, struct.pack("=Qi", rights, held))
    finally:
        os.close(held)


def _allow_port(rules: int, port: int, rights: int) -> None:
    _allow(rules, _RULE_PORT, struct.pack("=QQ", rights, port))


def _allow(rules: int, kind: int, attributes: bytes) -> None:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    call("landlock_add_rule", rules, kind, ctypes.addressof(buffer), 0)
