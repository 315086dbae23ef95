"""Bundles: models in one file, for sites without a network. A tar file that is read and written in one pass. Blocking.

    NAME/manifest.json      the model's manifest, with its signatures
    NAME/...                its files, in the manifest's order
    (the next model)

The manifest comes first and is all that is believed: a file is taken only if it is the one that the manifest names
next, as long as it says, and its digest is what was signed. Where the site names signers, a model that none of them
signed is refused before any of its files is read.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from ringfenced.library import manifest as manifests
from ringfenced.library.arrival import Arrival
from ringfenced.library.errors import LibraryError, Refused
from ringfenced.library.folder import Library
from ringfenced.library.manifest import FileFacts, Manifest
from ringfenced.library.names import MANIFEST
from ringfenced.library.signing import demand_signed
from ringfenced.library.stamps import Seen, Stamp
from ringfenced.library.tar import BLOCK_BYTES, END, Member, decode, encode

MODELS_MAX: Final = 256
"""No bundle holds more."""
_PIECE_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Imported:
    """One model that came out of a bundle."""

    manifest: Manifest
    """As it is in the library now."""
    folder: Path
    """Where it is."""


def write_bundle(library: Library, models: tuple[Manifest, ...], out: BinaryIO, seen: Seen | None = None) -> None:
    """Write models into one file; each file is hashed on its way.

    Args:
        library: where they are.
        models: their manifests, with the signatures that shall go along.
        out: written to from where it stands; making it durable is the caller's.
        seen: told of each piece.

    Raises:
        Refused: a model is not what its manifest says; the bundle is then worthless.
        OSError: a file cannot be read, or the bundle not written.
    """
    for model in models:
        _put(out, f"{model.name}/{MANIFEST}", model.encode())
        for file in model.files:
            out.write(encode(Member(f"{model.name}/{file.path}", file.size_bytes)))
            with (library.folder / model.name / file.path).open("rb") as source:
                digest = _copy(_exactly(source, file.size_bytes, file.path), out.write, seen)
            if digest != file.sha256:
                raise Refused(
                    f"{model.name}/{file.path} was altered since it came", "ringfence models verify says more"
                )
            out.write(bytes(-file.size_bytes % BLOCK_BYTES))
    out.write(END)


def read_bundle(
    source: BinaryIO, library: Library, *, at: str, by: str, seen: Seen | None = None
) -> Iterator[Imported]:
    """Take the models of a bundle into the library, one after the other.

    Args:
        source: the bundle; it need not be seekable.
        library: where to; its signers must have signed each model.
        at: the time, RFC 3339, UTC.
        by: who imports, ``user@host``.
        seen: told of each piece.

    Raises:
        Refused: what comes is not what a manifest says, or no signer vouches for it.
        Occupied: there is a model of that name already.
        LibraryError: the disk is full, or failed.
        OSError: the bundle cannot be read.
    """
    for _ in range(MODELS_MAX):
        member = decode(_block(source))
        if member is None:
            return
        manifest = _manifest(source, member)
        demand_signed(manifest, library.signers)
        with library.arrival(manifest.name) as arrival:
            arrival.resume(f"bundle {hashlib.sha256(manifest.statement()).hexdigest()}")
            _demand_room(library.folder, manifest.size_bytes)
            known = {file.path: _take(source, arrival, file, seen) for file in manifest.files}
            brought = manifest.brought(at, by)
            yield Imported(brought, arrival.admit(brought, library.signers, known, seen))
    raise Refused(f"the bundle holds more than {MODELS_MAX} models")


def _manifest(source: BinaryIO, member: Member) -> Manifest:
    """The manifest that a model begins with."""
    if not member.name.endswith(f"/{MANIFEST}") or member.size_bytes > manifests.MANIFEST_BYTES_MAX:
        raise Refused(
            "the bundle has something else where a model's manifest must be",
            "take a bundle as ringfence models export writes it",
        )
    data = b"".join(_exactly(source, member.size_bytes, MANIFEST))
    _skip_padding(source, member)
    manifest = manifests.decode(data)
    if member.name != f"{manifest.name}/{MANIFEST}":
        raise Refused("the bundle's manifest bears another name than its folder")
    return manifest


def _take(source: BinaryIO, arrival: Arrival, file: FileFacts, seen: Seen | None) -> Stamp:
    """The file that the manifest names next, into quarantine."""
    member = decode(_block(source))
    if member != Member(f"{arrival.name}/{file.path}", file.size_bytes):
        raise Refused(
            f"the bundle has something else where {file.path} of {arrival.name} must be",
            "it was cut or altered: take it again from where it was exported",
        )
    with arrival.open_part(file.path, keep=False) as part:
        digest = _copy(_exactly(source, file.size_bytes, file.path), part.write, seen)
        if digest != file.sha256:
            raise Refused(
                f"{file.path} of {arrival.name} has the digest {digest} instead of {file.sha256}",
                "the bundle was damaged or altered: take it again from where it was exported",
            )
        _skip_padding(source, member)
        return arrival.complete(file.path, part, digest)


def _copy(pieces: Iterator[bytes], write: Callable[[bytes], object], seen: Seen | None) -> str:
    """Write all pieces; their digest, hex."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        write(piece)
        if seen:
            seen(len(piece))
    return digest.hexdigest()


def _exactly(source: BinaryIO, size_bytes: int, name: str) -> Iterator[bytes]:
    """So many bytes, in pieces; Refused where there are fewer."""
    left = size_bytes
    while left:
        piece = source.read(min(left, _PIECE_BYTES))
        if not piece:
            raise Refused(f"the end comes {left:,} bytes too early, within {name}", "copy it again: it was cut")
        left -= len(piece)
        yield piece


def _block(source: BinaryIO) -> bytes:
    """The next block."""
    return b"".join(_exactly(source, BLOCK_BYTES, "the bundle"))


def _skip_padding(source: BinaryIO, member: Member) -> None:
    for _ in _exactly(source, member.padding_bytes, member.name):
        pass


def _put(out: BinaryIO, name: str, data: bytes) -> None:
    member = Member(name, len(data))
    out.write(encode(member) + data + bytes(member.padding_bytes))


def _demand_room(folder: Path, size_bytes: int) -> None:
    """LibraryError where the disk has no room for so much."""
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise LibraryError(
            f"{folder} has room for {free:,} bytes, and {size_bytes:,} are needed", "make room, or use another folder"
        )
