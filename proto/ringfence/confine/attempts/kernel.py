"""System calls as attempts make them."""

from __future__ import annotations

import errno

from ringfence.confine import libc
from ringfence.confine.attempts.outcome import NotHere


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call.

    Args:
        name: one of `ringfence.confine.numbers`.
        arguments: as `libc.call` takes them.

    Returns:
        what the kernel returned.

    Raises:
        NotHere: the machine or its kernel has no such call.
        OSError: the kernel refused.
    """
    try:
        return libc.call(name, *arguments)
    except libc.NoSuchCall as reason:
        raise NotHere(str(reason)) from None


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
