"""System calls from Python, for what the standard library has no name for."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

from ringfence.confine.numbers import machine, number

LIBC: Final = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


class NoSuchCall(Exception):
    """The machine or its kernel has no such system call."""


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call.

    Args:
        name: one of `ringfence.confine.numbers`.
        arguments: numbers, addresses of memory that the caller keeps alive, strings, or None for a null pointer.

    Returns:
        what the kernel returned.

    Raises:
        NoSuchCall: as said.
        OSError: the kernel refused.
    """
    found = number(name, machine())
    if found is None:
        raise NoSuchCall(f"this machine has no {name}")
    returned = int(LIBC.syscall(ctypes.c_long(found), *map(_argument, arguments)))
    if returned != -1:
        return returned
    code = ctypes.get_errno()
    if code == errno.ENOSYS:
        raise NoSuchCall(f"this kernel has no {name}")
    raise OSError(code, f"{name}: {os.strerror(code)}")


def prctl(option: int, *arguments: int) -> int:
    """Set or ask what the kernel keeps of this process.

    Raises:
        OSError: the kernel refused.
    """
    given = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    returned = int(LIBC.prctl(option, *given))
    if returned < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")
    return returned


def _argument(value: int | bytes | None) -> ctypes.c_long | ctypes.c_char_p | None:
    if isinstance(value, int):
        return ctypes.c_long(value)
    return ctypes.c_char_p(value)
