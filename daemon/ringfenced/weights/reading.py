"""Opening a model file that nobody vouches for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from ringfenced.weights.bad import BadModelFile, shown


@contextmanager
def opened(path: Path) -> Iterator[tuple[FileIO, int]]:
    """Open a regular file; nothing else, and without waiting for a writer of a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise BadModelFile("missing", "the model file does not exist") from None
    except OSError as error:
        raise BadModelFile("unreadable", f"it cannot be read: {os.strerror(error.errno or 0)}") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise BadModelFile("foreign", "it is no file")
    with FileIO(descriptor) as file:
        try:
            yield file, status.st_size
        except OSError as error:
            raise BadModelFile("unreadable", f"it cannot be read: {os.strerror(error.errno or 0)}") from None


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Begin the message of what is raised with the file's name."""
    try:
        yield
    except BadModelFile as error:
        raise BadModelFile(error.reason, f"{shown(path.name)}: {error.message}") from None
