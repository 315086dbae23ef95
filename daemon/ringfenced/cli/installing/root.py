"""A machine's root, or a folder that becomes one: looked at, written to, cleared; nothing outside it is touched."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.installing.leaving import is_evidence
from ringfenced.cli.installing.plan import Step, digest
from ringfenced.cli.installing.shipped import FOLDERS, RECORD
from ringfenced.cli.plainfile import held, names, read, write_new

_RECORD_VERSION: Final = 1
_COPIED_BYTES_MAX: Final = 16 * 1024 * 1024
"""Evidence holds two checkpoints, each of which came in one message of gRPC: 4 MiB at most."""


class Root:
    """Everything is relative to it."""

    def __init__(self, path: Path) -> None:
        """Work in `path`; `/` is this machine."""
        self._path = path.resolve()

    @property
    def is_machine(self) -> bool:
        """Whether this is the machine itself."""
        return self._path == Path("/")

    def at(self, path: str) -> Path:
        """A path in it. What it leads to may be a link.

        Raises:
            Failure: a link on the way leads out of the root, or is another user's than root's and ours.
        """
        there = self._path / path
        if not Path(os.path.realpath(there.parent)).is_relative_to(self._path):
            raise Failure(f"{there.parent} leads out of {self._path}: remove the link", code=ExitCode.USAGE)
        planted = next((each for each in there.parents if _is_planted(each) and each.is_relative_to(self._path)), None)
        if planted is not None:
            raise Failure(f"{planted} is a link that another user made: look where it leads, and remove it")
        return there

    def record(self) -> dict[str, str]:
        """SHA-256 of each file as it was installed last, by path; nothing where nothing was.

        Raises:
            Failure: the record cannot be read.
        """
        place = self.at(RECORD)
        try:
            document = json.loads(place.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            document = None
        match document:
            case {"record": 1, "files": dict(kept)}:
                return {str(path): str(sha256) for path, sha256 in kept.items()}
        advice = "remove it: templates that differ then count as edited, and stay"
        raise Failure(f"{place} is no record of an installation", advice=(advice,))

    def keep_record(self, version: str, installed: dict[str, str]) -> None:
        """Write down what is installed now.

        Args:
            version: of the package.
            installed: SHA-256 of each file, by path.
        """
        document = {"record": _RECORD_VERSION, "version": version, "files": installed}
        self.write(RECORD, json.dumps(document, indent=1, sort_keys=True).encode() + b"\n")

    def found(self, paths: Iterable[str]) -> dict[str, str]:
        """SHA-256 of each of these files that is there, by path."""
        return {path: digest(self.at(path).read_bytes()) for path in paths if self.at(path).is_file()}

    def make_folders(self) -> None:
        """Make the folders that are missing; those that are there keep their modes."""
        for path, mode in FOLDERS.items():
            place = self.at(path)
            if not place.is_dir():
                place.mkdir(parents=True)
                place.chmod(mode)  # whatever the umask

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Do what is planned."""
        for step in steps:
            if step.deed == "write":
                self.write(step.path, step.data)
            elif step.deed == "remove":
                self.at(step.path).unlink(missing_ok=True)

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place, whole or not at all, readable by everybody."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.tmp")
        beside.write_bytes(data)
        beside.chmod(0o644)
        beside.replace(place)

    def link(self, path: str, target: Path) -> None:
        """Point a name at a program; a file that is no link stays.

        Raises:
            Failure: there is a file.
        """
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            raise Failure(f"{place} is there and is no link: remove it, or install with --no-links")
        place.symlink_to(target)

    def copy(self, path: str, to: str) -> None:
        """Keep a file elsewhere. Daemon and agent write to either folder, so no link is followed in them.

        Args:
            path: a plain file; in /etc, which is root's, a link is followed.
            to: what has this name already is removed first, a link too.

        Raises:
            OSError: there is no plain file, or it cannot be written there.
        """
        source, target = self.at(path), self.at(to)
        if path.startswith("etc/"):
            source = self.at(os.path.realpath(source))
        with held(source.parent) as folder:
            data = read(source.name, folder, bytes_max=_COPIED_BYTES_MAX)
        with held(target.parent) as folder:
            write_new(target.name, folder, data, 0o600)

    def clear(self, path: str, staying: frozenset[str]) -> None:
        """Remove a file or a folder with all that is in it, but for what stays. Links are removed, not followed.

        Args:
            path: what goes.
            staying: what of it does not; nor does any folder that is evidence (`leaving.is_evidence`).
        """
        place = self.at(path)
        if os.path.lexists(place):
            with held(place.parent) as folder:
                _clear(folder, place, path, staying)


def _clear(folder: int, place: Path, path: str, staying: frozenset[str]) -> None:
    """`Root.clear`, within a folder that is held: nobody can put a link in its place meanwhile."""
    if path in staying:
        return
    if not stat.S_ISDIR(os.stat(place.name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(place.name, dir_fd=folder)
        return
    with held(place, folder) as inner:
        children = names(inner)
        if is_evidence(children):
            return
        for child in children:
            _clear(inner, place / child, f"{path}/{child}", staying)
        is_empty = not names(inner)
    if is_empty:
        os.rmdir(place.name, dir_fd=folder)


def _is_planted(path: Path) -> bool:
    """Whether somebody made a link here who is neither root nor us: somebody whose folder this is."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(status.st_mode) and status.st_uid not in {0, os.geteuid()}
