"""A model on its way in: everything lands in quarantine, and only what was verified is renamed into place. Blocking.

    FOLDER/quarantine/NAME/
        lock            held by the process that is at work
        source          what is being fetched, so that what lies here is only resumed for the same
        refused         why it was refused, if it was
        files/...       what came so far; becomes FOLDER/NAME

A process that dies at any moment leaves either all of the model in place or all of it in quarantine. What was refused
stays, with the reason, until `ringfence models rm --quarantine NAME`, or until the same is fetched again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from ringfence import durable
from ringfenced.library import stamps
from ringfenced.library.errors import LibraryError, Occupied, Refused
from ringfenced.library.headers import demand_header, demand_whole, plain_size
from ringfenced.library.manifest import Manifest
from ringfenced.library.names import MANIFEST, QUARANTINE, checked_name, checked_path, missing_shards
from ringfenced.library.signing import PublicKey, demand_signed
from ringfenced.library.stamps import Seen, Stamp, Verified, hash_file

STAMPS: Final = ".verified.json"
"""Beside a model's manifest; hidden, so that no file of a model has this name."""
_FOLDER_MODE: Final = 0o750
_FILE_MODE: Final = 0o640
"""The operator writes, the daemon's group reads."""
_REASON_CHARS_MAX: Final = 4096


class Arrival:
    """One model in quarantine. A context manager: inside, no other process touches it."""

    def __init__(self, library: Path, name: str) -> None:
        """Name the place; nothing is touched yet.

        Raises:
            Refused: `name` is none.
        """
        self.name = checked_name(name)
        self._target = library / name
        self._place = library / QUARANTINE / name
        self.files = self._place / "files"
        """Where the model's files land."""
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Take the place.

        Raises:
            Occupied: another process is at work there, or a model of this name is in the library already.
            LibraryError: the folder cannot be written.
        """
        if os.path.lexists(self._target):
            raise Occupied(
                f"there is a model {self.name} in the library already",
                f"give this one another name (--name), or remove that one: ringfence models rm {self.name}",
            )
        try:
            self.files.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            lock = os.open(self._place / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
        except OSError as error:
            raise LibraryError(
                f"cannot write into {self._place}: {error.strerror}", "run this as whoever owns the library's folder"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise Occupied(f"another process is fetching {self.name}", "wait for it, or end it") from None
        self._lock = lock
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Let go; where the model was refused, keep the reason beside it."""
        if isinstance(error, Refused) and self._place.is_dir():
            with contextlib.suppress(OSError):
                durable.replace(self._place / "refused", str(error)[:_REASON_CHARS_MAX] + "\n", _FILE_MODE)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def resume(self, source: str) -> None:
        """Keep what lies here if it is of the same source; else begin anew.

        What was refused keeps its complete files, which are verified again, and loses the incomplete ones.

        Args:
            source: what is being fetched, in its exact state; one line.
        """
        note, refused = self._place / "source", self._place / "refused"
        if _text(note) != source + "\n":
            shutil.rmtree(self.files)
            self.files.mkdir(mode=_FOLDER_MODE)
            durable.replace(note, source + "\n", _FILE_MODE)
        elif refused.exists():
            for part in self.files.rglob(".*.part"):
                part.unlink()
        refused.unlink(missing_ok=True)

    def part(self, path: str) -> Path:
        """Where a file lies while it is incomplete; its folder is there."""
        whole = self.files / checked_path(path)
        whole.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        return whole.with_name(f".{whole.name}.part")

    def open_part(self, path: str, *, keep: bool) -> BinaryIO:
        """The incomplete file, to be written at its end.

        Args:
            path: the file's, in the model.
            keep: go on behind what is there; else empty it.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (0 if keep else os.O_TRUNC)
        file = open(os.open(self.part(path), flags, _FILE_MODE), "r+b", buffering=0)  # noqa: PTH123, SIM115 - mode, no link; the caller closes it
        file.seek(0, os.SEEK_END)
        return file

    def complete(self, path: str, file: BinaryIO, sha256: str) -> Stamp:
        """Make an incomplete file durable and give it its name.

        Args:
            path: the file's, in the model.
            file: as `open_part` gave it; all is written.
            sha256: the digest of all that was written, hex.
        """
        os.fsync(file.fileno())
        self.part(path).replace(self.files / path)
        return stamps.stamp_of(os.fstat(file.fileno()), sha256)

    def admit(
        self,
        manifest: Manifest,
        signers: tuple[PublicKey, ...] = (),
        known: Mapping[str, Stamp] | None = None,
        seen: Seen | None = None,
    ) -> Path:
        """Verify all, and put the model into its place.

        1. A signer vouches for the manifest, where the site names signers.
        2. Each file that the manifest names is there, plain, and as long as it says; no part of the model is missing.
        3. Each has the digest that the manifest says.
        4. Weights are what their names say, by their headers, and the parts of a split model belong together.
        5. Nothing else lies beside them.
        6. All is durable, and then renamed.

        Args:
            manifest: what the model must be; its name is this arrival's.
            signers: who may vouch for it; empty where anybody's word will do.
            known: stamps of files that were hashed while they came; they are not read again if nothing changed.
            seen: told of each piece that is read.

        Returns:
            The model's folder.

        Raises:
            Refused: it is not what the manifest says; it stays in quarantine.
            LibraryError: the disk failed.
        """
        assert self._lock is not None
        assert manifest.name == self.name
        demand_signed(manifest, signers)  # 1
        try:
            verified = self._verified(manifest, known or {}, seen)  # 2, 3, 4
            self._demand_alone(manifest)  # 5
            return self._place_it(manifest, verified)  # 6
        except OSError as error:
            raise LibraryError(f"the library's folder failed: {error.strerror or error}", "look at the disk") from None

    def _verified(self, manifest: Manifest, known: Mapping[str, Stamp], seen: Seen | None) -> dict[str, Stamp]:
        if missing := missing_shards(file.path for file in manifest.files):
            raise Refused(f"{missing[0]} is missing, and {len(missing) - 1} more parts of this model", "take all of it")
        verified = {}
        for file in manifest.files:
            path = self.files / file.path
            size_bytes = plain_size(path, file.path)
            if size_bytes != file.size_bytes:
                raise Refused(
                    f"{file.path} has {size_bytes:,} bytes instead of {file.size_bytes:,}",
                    "it was cut or altered on its way: fetch it again, or from elsewhere",
                )
            stamp = known.get(file.path)
            if stamp is None or stamp != stamps.stamp_of(path.lstat(), stamp.sha256):
                stamp = hash_file(path, seen)
            if stamp.sha256 != file.sha256:
                raise Refused(
                    f"{file.path} has the digest {stamp.sha256} instead of {file.sha256}",
                    "it was damaged or altered on its way: fetch it again, or from elsewhere",
                )
            demand_header(path, file.path, size_bytes)
            verified[file.path] = stamp
        demand_whole(self.files, verified)
        return verified

    def _demand_alone(self, manifest: Manifest) -> None:
        """Take away what is incomplete; refuse what nobody announced."""
        expected = {file.path for file in manifest.files}
        for path in sorted(self.files.rglob("*")):
            name = path.relative_to(self.files).as_posix()
            if path.is_dir() and not path.is_symlink():
                continue
            if path.name.startswith(".") or name == MANIFEST:
                path.unlink()
            elif name not in expected:
                raise Refused(f"{name} lies in quarantine and is no file of this model", "begin anew: rm --quarantine")

    def _place_it(self, manifest: Manifest, verified: dict[str, Stamp]) -> Path:
        for path in verified:
            _sync(self.files / path)
        for folder in sorted({(self.files / path).parent for path in verified} | {self.files}):
            _sync(folder)
        durable.replace(self.files / MANIFEST, manifest.encode().decode(), _FILE_MODE)
        stamps.write(self.files / STAMPS, Verified(manifest.imported_at, verified))
        if os.path.lexists(self._target):
            raise Occupied(f"there is a model {self.name} in the library by now", "remove one of the two")
        self.files.rename(self._target)
        _sync(self._target.parent)
        shutil.rmtree(self._place, ignore_errors=True)
        return self._target


def _sync(path: Path) -> None:
    """Make a file or a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text(path: Path) -> str | None:
    """A short file's text; None where there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_REASON_CHARS_MAX)
    except (OSError, UnicodeDecodeError):
        return None
