"""Files in folders that another user writes, read and written by root.

Whoever took a daemon or an agent over can leave a link, a pipe or a huge file where root looks for one of theirs. Here
the last part of a path is never a link that is followed, nothing is waited for, and only plain files of a bounded
length are read. That the folders on the way there are root's own choice is the caller's duty.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

BYTES_MAX: Final = 1024 * 1024
"""Checkpoints, keys and certificates have some kilobytes."""

UNFOLLOWED: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""No link is followed, no pipe waited for (open(2))."""


@contextmanager
def held(path: Path, within: int | None = None) -> Iterator[int]:
    """A folder, by its descriptor: what is done in it by name stays in it, wherever its path leads by then.

    Args:
        path: the folder, absolute; errors name what they are about by it.
        within: the descriptor of the folder that it is in, where it must be no link; None where the whole path is
            root's choice, links included.

    Raises:
        OSError: it cannot be opened, or is no folder; or what was done in it raised this.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | UNFOLLOWED
    folder = os.open(os.path.realpath(path) if within is None else path.name, flags, dir_fd=within)
    try:
        yield folder
    except OSError as error:
        error.filename = str(path / error.filename) if isinstance(error.filename, str) else str(path)
        raise
    finally:
        os.close(folder)


def names(folder: int) -> list[str]:
    """What is in a folder that is held, sorted."""
    return sorted(os.listdir(folder))


@contextmanager
def opened(path: Path | str, folder: int | None = None, *, links: bool = False) -> Iterator[BufferedReader]:
    """A plain file, to read.

    Args:
        path: the file; its name where there is a folder.
        folder: the descriptor of the folder that it is in.
        links: it is an operator's, who may have linked it; then links are followed.

    Raises:
        OSError: it cannot be opened, or is no plain file.
    """
    flags = os.O_RDONLY | UNFOLLOWED
    try:
        descriptor = os.open(path, flags & ~os.O_NOFOLLOW if links else flags, dir_fd=folder)
    except OSError as error:
        raise _not_plain(path) if error.errno in {errno.ELOOP, errno.ENXIO} else error from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - by its descriptor
        yield file


def read(path: Path | str, folder: int | None = None, *, links: bool = False, bytes_max: int = BYTES_MAX) -> bytes:
    """All of a plain file.

    Args:
        path: as for `opened`, like the next two.
        folder: the descriptor of the folder that it is in.
        links: whether links are followed.
        bytes_max: a longer one is some other file.

    Raises:
        OSError: it cannot be read, is no plain file, or is longer.
    """
    with opened(path, folder, links=links) as file:
        data = file.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise OSError(errno.EFBIG, f"longer than {bytes_max:,} bytes", str(path))
    return data


def write_new(name: str, folder: int, data: bytes, mode: int) -> None:
    """Put a new file in place of whatever has this name; a link goes, and what it leads to stays as it is.

    Args:
        name: of the file.
        folder: the descriptor of the folder that it is in.
        data: all that it then holds.
        mode: of the file, less the umask.

    Raises:
        OSError: what has this name cannot be removed, or the file not be written.
    """
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | UNFOLLOWED, mode, dir_fd=folder)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - by its descriptor
        file.write(data)


def _not_plain(path: Path | str) -> OSError:
    return OSError(errno.EINVAL, "a link or no plain file", str(path))
