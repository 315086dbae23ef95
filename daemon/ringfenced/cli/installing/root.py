"""A machine's root, or a folder that becomes one: looked at, written to, cleared; nothing outside it is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.installing.leaving import is_evidence
from ringfenced.cli.installing.plan import Step, digest
from ringfenced.cli.installing.shipped import FOLDERS, RECORD

_RECORD_VERSION: Final = 1


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
        """A path in it.

        Raises:
            Failure: a link on the way leads out of the root.
        """
        there = self._path / path
        if not there.parent.resolve().is_relative_to(self._path):
            raise Failure(f"{there.parent} leads out of {self._path}: remove the link", code=ExitCode.USAGE)
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
        """Keep a file elsewhere."""
        shutil.copyfile(self.at(path), self.at(to))

    def clear(self, path: str, staying: frozenset[str]) -> None:
        """Remove a file or a folder with all that is in it, but for what stays. Links are removed, not followed.

        Args:
            path: what goes.
            staying: what of it does not; nor does any folder that is evidence (`leaving.is_evidence`).
        """
        place = self.at(path)
        if path in staying or not os.path.lexists(place):
            return
        if place.is_symlink() or not place.is_dir():
            place.unlink()
            return
        children = sorted(child.name for child in place.iterdir())
        if is_evidence(children):
            return
        for child in children:
            self.clear(f"{path}/{child}", staying)
        if not any(place.iterdir()):
            place.rmdir()
