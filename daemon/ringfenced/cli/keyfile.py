"""Puts a new API key in the place of an old one: whole or not at all, and readable by nobody else at any moment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure

_KEY_BYTES_MAX: Final = 4096
"""No provider's key is longer; the agent reads no longer one."""
_MODE: Final = 0o400
STDIN: Final = Path("-")


def install(source: Path, target: Path) -> None:
    """Write the key that `source` holds into `target`, mode 0400, owned as `target` was; durable on return.

    Args:
        source: a file with the key and nothing else; ``-`` for standard input.
        target: the file that the agent's configuration names.

    Raises:
        Failure: there is no key, or it cannot be written; `target` is as it was.
    """
    key = _key(source)
    if target.is_symlink():
        raise Failure(f"{target} is a link; name the file itself", code=ExitCode.USAGE)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        _write(fresh, key, target)
        fresh.replace(target)
        _sync(target.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        advice = ("run this on the agent's host, as root or as the agent's user",)
        raise Failure(f"cannot write {target}: {error.strerror}", advice=advice) from None


def _key(source: Path) -> bytes:
    """The key, with a line's end."""
    try:
        if source == STDIN:
            data = sys.stdin.buffer.read(_KEY_BYTES_MAX + 2)
        else:
            with source.open("rb") as file:
                data = file.read(_KEY_BYTES_MAX + 2)
    except OSError as error:
        raise Failure(f"cannot read {source}: {error.strerror}", code=ExitCode.USAGE) from None
    key = data.strip()
    if not key or len(key) > _KEY_BYTES_MAX or not all(0x20 < byte < 0x7F for byte in key):  # noqa: PLR2004 - ASCII
        raise Failure(f"{source} holds no API key; write the key and nothing else", code=ExitCode.USAGE)
    return key + b"\n"


def _write(fresh: Path, key: bytes, like: Path) -> None:
    """A file of nobody else's, durable."""
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:  # noqa: PTH123 - mode
        if like.exists():
            status = like.stat()
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the new name durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
