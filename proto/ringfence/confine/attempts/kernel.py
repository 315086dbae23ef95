"""System calls by their numbers: what the standard library has no name for."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

from ringfence.confine.attempts.outcome import NotHere
from ringfence.confine.numbers import machine, number

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long

_UNKNOWN: Final = frozenset({errno.ENOSYS})


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call.

    Args:
        name: one of `ringfence.confine.numbers`.
        arguments: numbers, addresses of memory that the caller keeps alive, strings, or None for a null pointer.

    Returns:
        what the kernel returned.

    Raises:
        NotHere: the machine or its kernel has no such call.
        OSError: the kernel refused.
    """
    found = number(name, machine())
    if found is None:
        raise NotHere(f"this machine has no {name}")
    returned = int(_LIBC.syscall(ctypes.c_long(found), *map(_argument, arguments)))
    if returned != -1:
        return returned
    code = ctypes.get_errno()
    if code in _UNKNOWN:
        raise NotHere(f"this kernel has no {name}")
    raise OSError(code, os.strerror(code))


def permitted(name: str, *arguments: int | bytes | None) -> str:
    """Make a call that the kernel permits or not before it finds the arguments wrong.

    The harmless way to try what would change the machine: with arguments that cannot work, EPERM and EACCES say that
    it is forbidden, any other answer that only the arguments were in the way.

    Returns:
        what was found out, for a report.

    Raises:
        OSError: it is forbidden.
        NotHere: as `call`.
    """
    try:
        call(name, *arguments)
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EACCES, errno.ESRCH}:
            raise
        return f"{name} is permitted ({errno.errorcode.get(error.errno or 0, '?')}: only the arguments were wrong)"
    return f"{name} worked"


def _argument(value: int | bytes | None) -> ctypes.c_long | ctypes.c_char_p | None:
    if isinstance(value, int):
        return ctypes.c_long(value)
    return ctypes.c_char_p(value)
