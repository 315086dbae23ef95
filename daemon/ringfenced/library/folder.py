"""The library: one folder for each model, beside `quarantine/`. Blocking; each method may be called from any thread.

A model is used through `open`: it says where the weights are once they have been found to be what the manifest says.
That is cheap while nothing changed (`stamps`), and reads the whole model where something did. Whoever may write into
the folder may replace a model and its manifest together; only signers, kept elsewhere, show that.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ringfenced.library import manifest as manifests
from ringfenced.library import stamps
from ringfenced.library.arrival import STAMPS, Arrival
from ringfenced.library.errors import LibraryError, NotThere, Occupied, Refused
from ringfenced.library.headers import plain_size
from ringfenced.library.manifest import Manifest
from ringfenced.library.names import MANIFEST, QUARANTINE, Format, checked_name, first_weights, is_projector
from ringfenced.library.signing import PublicKey, demand_signed, signed_by
from ringfenced.library.stamps import Seen, Stamp, Verified, hash_file, stamp_of

_NAMES_NEAR_MAX: Final = 5
_REASON_BYTES_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that was found to be what its manifest says."""

    manifest: Manifest
    """What is known of it."""
    folder: Path
    """Where its files are; what vLLM is pointed at."""
    digests: Mapping[str, str]
    """SHA-256 of each file, hex, by its path in the model."""
    verified_at: str
    """When its files were last read whole: RFC 3339, UTC."""
    signed_by: tuple[str, ...]
    """The site's signers that vouch for it, by their keys' short names."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file."""
        return tuple(self.folder / file.path for file in self.manifest.files)

    @property
    def weights(self) -> Path:
        """What an engine is pointed at: the first GGUF file, or the folder of a safetensors model."""
        if self.manifest.format is Format.SAFETENSORS:
            return self.folder
        first = first_weights(file.path for file in self.manifest.files)
        return self.folder / first if first else self.files[0]

    @property
    def projector(self) -> Path | None:
        """What turns pictures into tokens; None where the model brings none."""
        found = (self.folder / file.path for file in self.manifest.files if is_projector(file.path))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Held:
    """Something in quarantine."""

    name: str
    """The model that it was to become."""
    size_bytes: int
    """What lies there."""
    reason: str
    """Why it was refused; empty where it is only incomplete."""


class Library:
    """A folder of models."""

    def __init__(
        self,
        folder: Path,
        signers: tuple[PublicKey, ...] = (),
        *,
        stamps_folder: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Name the folder; nothing is read yet.

        Args:
            folder: where the models are.
            signers: one of them must have signed each model; empty where anybody's word will do.
            stamps_folder: where verified digests are remembered; None for each model's own folder. A daemon takes its
                state folder, which nobody else can write.
            clock: seconds since 1970.
        """
        self.folder = folder
        self.signers = signers
        self._stamps_folder = stamps_folder
        self._clock = clock

    def names(self) -> tuple[str, ...]:
        """Every model's name, whatever its state.

        Raises:
            LibraryError: there is no such folder, or it cannot be read.
        """
        try:
            found = [entry.name for entry in os.scandir(self.folder) if (self.folder / entry.name / MANIFEST).exists()]
        except OSError as error:
            raise LibraryError(
                f"cannot read the library's folder {self.folder}: {error.strerror}",
                "make it, or name another: [library] folder in the daemon's file, --library on the command line",
            ) from None
        return tuple(sorted(name for name in found if name != QUARANTINE and not name.startswith(".")))

    def manifest(self, name: str) -> Manifest:
        """What is known of a model; neither its files nor its signatures are looked at.

        Raises:
            NotThere: there is none of this name.
            Refused: its manifest cannot be used.
        """
        path = self.folder / checked_name(name) / MANIFEST
        try:
            plain_size(path, MANIFEST)
            with path.open("rb") as file:
                read = manifests.decode(file.read(manifests.MANIFEST_BYTES_MAX + 1))
        except (FileNotFoundError, NotADirectoryError):
            raise self._not_there(name) from None
        except OSError as error:
            raise LibraryError(f"cannot read {path}: {error.strerror}", "look at the folder's owner and mode") from None
        except Refused as error:
            if not os.path.lexists(path):
                raise self._not_there(name) from None
            raise Refused(f"{name}: {error.message}", *error.advice) from None
        if read.name != name:
            raise Refused(f"the folder {name} holds the manifest of {read.name}", f"rename the folder to {read.name}")
        return read

    def open(self, name: str, seen: Seen | None = None) -> Entry:
        """A model to use. Cheap unless a file changed since it was last verified: then all of that file is read.

        Args:
            name: as in the library.
            seen: told of each piece that must be read.

        Raises:
            NotThere: there is none of this name.
            Refused: it is not what its manifest says, or no signer vouches for it.
        """
        return self._open(name, seen, fresh=False)

    def verify(self, name: str, seen: Seen | None = None) -> Entry:
        """The same, but every file is read, whatever is remembered."""
        return self._open(name, seen, fresh=True)

    def verified_at(self, name: str) -> str | None:
        """When a model's files were last read whole; None where it is not known or a file changed since."""
        known = stamps.read(self._stamps(name))
        if known is None:
            return None
        try:
            for file in self.manifest(name).files:
                stamp = known.files.get(file.path)
                status = (self.folder / name / file.path).lstat()
                if stamp is None or stamp != stamp_of(status, file.sha256):
                    return None
        except OSError:
            return None
        return known.at

    def remove(self, name: str) -> int:
        """Take a model away; how many bytes that freed. An engine that has its files open keeps them until it ends.

        Raises:
            NotThere: there is none of this name.
            LibraryError: it cannot be removed.
        """
        place = self.folder / checked_name(name)
        if not os.path.lexists(place / MANIFEST):
            raise self._not_there(name)
        size_bytes = _size(place)
        self._take_away(place)
        self._stamps(name).unlink(missing_ok=True)
        return size_bytes

    def arrival(self, name: str) -> Arrival:
        """A place in quarantine for a model that is on its way."""
        return Arrival(self.folder, name)

    def quarantined(self) -> tuple[Held, ...]:
        """What waits in quarantine."""
        place = self.folder / QUARANTINE
        found = [entry.name for entry in os.scandir(place)] if place.is_dir() else []
        names = sorted(name for name in found if not name.startswith("."))
        return tuple(Held(name, _size(place / name / "files"), _reason(place / name / "refused")) for name in names)

    def release(self, name: str) -> int:
        """Take away what waits in quarantine under a name; how many bytes that freed.

        Raises:
            NotThere: nothing does.
            Occupied: another process is at work on it.
        """
        place = self.folder / QUARANTINE / checked_name(name)
        if not place.is_dir():
            raise NotThere(f"nothing of {name} is in quarantine", "see ringfence models list")
        size_bytes = _size(place / "files")
        with (place / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Occupied(f"another process is fetching {name}", "wait for it, or end it") from None
            self._take_away(place)
        return size_bytes

    def _open(self, name: str, seen: Seen | None, *, fresh: bool) -> Entry:
        manifest = self.manifest(name)
        demand_signed(manifest, self.signers)
        known = None if fresh else stamps.read(self._stamps(name))
        found, changed = {}, known is None
        for file in manifest.files:
            path = self.folder / name / file.path
            size_bytes = plain_size(path, f"{name}/{file.path}")
            if size_bytes != file.size_bytes:
                raise Refused(
                    f"{name}/{file.path} has {size_bytes:,} bytes instead of {file.size_bytes:,}",
                    "it was cut or altered since it came: remove the model and fetch it again",
                )
            stamp = known.files.get(file.path) if known else None
            if stamp is None or stamp != stamp_of(path.lstat(), file.sha256):
                stamp, changed = _hash(path, f"{name}/{file.path}", seen), True
            if stamp.sha256 != file.sha256:
                raise Refused(
                    f"{name}/{file.path} has the digest {stamp.sha256} instead of {file.sha256}",
                    "it was altered since it came: remove the model and fetch it again",
                )
            found[file.path] = stamp
        verified = Verified(rfc3339(self._clock()), found) if changed or known is None else known
        if verified is not known:
            stamps.write(self._stamps(name), verified)
        digests = {path: stamp.sha256 for path, stamp in found.items()}
        return Entry(manifest, self.folder / name, digests, verified.at, signed_by(manifest, self.signers))

    def _stamps(self, name: str) -> Path:
        checked_name(name)
        return self._stamps_folder / f"{name}.json" if self._stamps_folder else self.folder / name / STAMPS

    def _not_there(self, name: str) -> NotThere:
        names = self.names()
        near = ", ".join(names[:_NAMES_NEAR_MAX]) + (", ..." if len(names) > _NAMES_NEAR_MAX else "")
        return NotThere(
            f"there is no model {name} in {self.folder}",
            f"there are: {near}" if names else "it is empty; fetch one: ringfence models pull",
        )

    @staticmethod
    def _take_away(place: Path) -> None:
        """Out of sight first, in one step, so that a half-removed model is never seen."""
        doomed = place.with_name(f".{place.name}.removed")
        try:
            if doomed.exists():
                shutil.rmtree(doomed)
            place.rename(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            raise LibraryError(
                f"cannot remove {place}: {error.strerror}", "run this as whoever owns the library's folder"
            ) from None


def rfc3339(unix_s: float) -> str:
    """A time in UTC, whole seconds, as manifests write it."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _hash(path: Path, name: str, seen: Seen | None) -> Stamp:
    try:
        return hash_file(path, seen)
    except OSError as error:
        raise LibraryError(
            f"cannot read {name}: {error.strerror or error}", "look at its owner, and the disk"
        ) from None


def _size(folder: Path) -> int:
    """Bytes of all plain files below."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) if folder.is_dir() else 0


def _reason(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_REASON_BYTES_MAX).decode(errors="replace").strip()
    except OSError:
        return ""
