"""Whether a file is there, where "no" opens a door. Blocking.

`Path.exists` and `os.path.lexists` say no as well where nobody can tell: on a disk that fails, in a folder that may not
be searched (`Path.exists` since Python 3.14; before, only for ENOTDIR, EBADF and ELOOP). Here only the kernel's word
that there is no such name (ENOENT) is a no, and everything else is an error.
"""

from __future__ import annotations

from pathlib import Path


def is_there(path: Path) -> bool:
    """Whether something has this name: a link counts by itself, wherever it leads.

    Raises:
        OSError: nobody can tell.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def read_if_there(path: Path) -> bytes | None:
    """What a file holds, an empty one too; None where nothing has this name.

    A file that only ever appears and is replaced by renaming, as `durable` does, is never missed.

    Raises:
        OSError: it cannot be read, or nobody can tell; also for a link that leads nowhere.
    """
    return path.read_bytes() if is_there(path) else None
