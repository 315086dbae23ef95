"""Files of this machine: one, or a folder with a model."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.pulling.listing import Listing, Wanted
from ringfenced.library.names import FILES_MAX, missing_shards


def list_local(source: str) -> Listing:
    """What a path holds; links are not followed, hidden files not seen.

    Raises:
        Failure: there is nothing, or it cannot be read.
    """
    path = Path(source).expanduser()
    try:
        if path.is_symlink():
            raise Failure(f"{path} is a link; name the file itself", code=ExitCode.USAGE)
        if path.is_dir():
            return Listing(f"file:{path.resolve()}", "", path.resolve().name, tuple(_below(path, path)))
        files = [_wanted(path, path.name)]
        parts = missing_shards([path.name])  # of a split model
        files += [_wanted(path.parent / name, name) for name in parts if (path.parent / name).is_file()]
        return Listing(f"file:{path.resolve()}", "", path.stem, tuple(files))
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from None


def _below(folder: Path, root: Path) -> Iterator[Wanted]:
    """Every file below a folder."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if (count := count + 1) > FILES_MAX:
                raise Failure(f"{root} holds more than {FILES_MAX} files: name the model's own folder")
            file = Path(place) / name
            yield _wanted(file, file.relative_to(root).as_posix())


def _wanted(path: Path, name: str) -> Wanted:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise Failure(
            f"{path} is a link or no plain file", code=ExitCode.USAGE, advice=("copy the files themselves: cp -rL",)
        )
    changed = f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"
    return Wanted(name, local=path, size_bytes=status.st_size, validator=changed)
