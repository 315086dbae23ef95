"""What is known of one model: where it came from, its files, and who vouches for them. Pure; bytes in, bytes out.

`manifest.json` in the model's folder. What is signed is the *statement*: the part that is the same at every site, as
canonical JSON behind a line that no other signature of Ringfence begins with. When and by whom a model was brought here
is this site's own note beside it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfenced.library.errors import Refused
from ringfenced.library.names import FILE_BYTES_MAX, Format, checked_name, checked_paths, format_of

MANIFEST_BYTES_MAX: Final = 1024 * 1024
"""A thousand files take some 300 KB."""
TEXT_CHARS_MAX: Final = 1024
"""No source, revision or licence is longer."""
SIGNATURES_MAX: Final = 16
"""More hands than that nobody needs."""
VERSION: Final = 1
"""Of the manifest's own form."""
_HEAD: Final = b"ringfence model manifest v1\n"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SIGNED_KEYS: Final = ("name", "format", "source", "revision", "licence", "files")
_KEYS: Final = frozenset({"version", *_SIGNED_KEYS, "imported_at", "imported_by", "signatures"})


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of a model."""

    path: str
    """Within the model's folder."""
    size_bytes: int
    """Its exact length."""
    sha256: str
    """Digest of its content, hex."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Somebody vouches for the statement."""

    algorithm: str
    """``ed25519`` or ``ml-dsa-44``."""
    value: bytes
    """Over `Manifest.statement`."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One model. Its fields have been checked wherever one exists."""

    name: str
    """As the site calls it; the name of its folder."""
    format: Format
    """How its weights are kept."""
    source: str
    """Where it came from, as given to `ringfence models pull`, without credentials."""
    revision: str
    """Which state of the source: a commit, a digest; empty where the source has none."""
    licence: str | None
    """As the source names it; None where it does not."""
    files: tuple[FileFacts, ...]
    """Every file, by path."""
    imported_at: str
    """When it came into this library: RFC 3339, UTC, whole seconds."""
    imported_by: str
    """The account that brought it: ``user@host``."""
    signatures: tuple[Signature, ...] = ()
    """Not verified here: `ringfenced.library.signing` does that."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a model.

        Raises:
            Refused: with the reason.
        """
        checked_name(self.name)
        paths = checked_paths(file.path for file in self.files)
        if list(paths) != sorted(paths):
            object.__setattr__(self, "files", tuple(sorted(self.files, key=lambda file: file.path)))
        if format_of(paths) is not self.format:
            raise Refused(f"the manifest says {self.format.value}, and the files are something else")
        for file in self.files:
            if not 0 < file.size_bytes <= FILE_BYTES_MAX:
                raise Refused(f"{file.path}: {file.size_bytes} bytes is no length for a model's file")
            if not _SHA256.fullmatch(file.sha256):
                raise Refused(f"{file.path}: its digest is no SHA-256 in hex")
        for text in (self.source, self.revision, self.licence or "", self.imported_by):
            if len(text) > TEXT_CHARS_MAX or not text.isprintable():
                raise Refused("the manifest holds a text that is too long, or has control characters")
        if not _TIME.fullmatch(self.imported_at):
            raise Refused("the manifest's imported_at is no time in UTC, such as 2026-11-29T12:00:00Z")
        if len(self.signatures) > SIGNATURES_MAX:
            raise Refused(f"the manifest has more than {SIGNATURES_MAX} signatures")

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)

    def statement(self) -> bytes:
        """The exact bytes that are signed."""
        return _HEAD + canonical({key: value for key, value in self._document().items() if key in _SIGNED_KEYS})

    def encode(self) -> bytes:
        """The manifest as it lies in the folder."""
        return json.dumps(self._document(), indent=1, sort_keys=True).encode() + b"\n"

    def signed(self, signatures: Iterable[Signature]) -> Manifest:
        """The same with further signatures; one that is there already is not repeated."""
        return replace(self, signatures=tuple(dict.fromkeys((*self.signatures, *signatures))))

    def brought(self, at: str, by: str) -> Manifest:
        """The same model as another site notes it."""
        return replace(self, imported_at=at, imported_by=by)

    def _document(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "name": self.name,
            "format": self.format.value,
            "source": self.source,
            "revision": self.revision,
            "licence": self.licence,
            "files": [{"path": one.path, "size_bytes": one.size_bytes, "sha256": one.sha256} for one in self.files],
            "imported_at": self.imported_at,
            "imported_by": self.imported_by,
            "signatures": [
                {"algorithm": one.algorithm, "value": base64.b64encode(one.value).decode()} for one in self.signatures
            ],
        }


def canonical(value: Any) -> bytes:
    """JSON in its one form (RFC 8785 for what manifests hold: no numbers but whole ones, keys in ASCII)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes) -> Manifest:
    """The manifest in these bytes.

    Raises:
        Refused: they are none, or one of another version.
    """
    if len(data) > MANIFEST_BYTES_MAX:
        raise Refused(f"the manifest is longer than {MANIFEST_BYTES_MAX} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise Refused("the manifest is no JSON") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise Refused("this is no manifest of a model, or one of a later version", "update ringfence")
    if set(document) != _KEYS:
        raise Refused("the manifest lacks a field, or has one that nobody knows")
    try:
        return _manifest(document)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise Refused("a field of the manifest is of the wrong kind") from None


def _manifest(document: Mapping[str, Any]) -> Manifest:
    licence = document["licence"]
    return Manifest(
        name=_text(document["name"]),
        format=Format(_text(document["format"])),
        source=_text(document["source"]),
        revision=_text(document["revision"]),
        licence=None if licence is None else _text(licence),
        files=tuple(
            FileFacts(_text(one["path"]), _count(one["size_bytes"]), _text(one["sha256"]))
            for one in _objects(document["files"], {"path", "size_bytes", "sha256"})
        ),
        imported_at=_text(document["imported_at"]),
        imported_by=_text(document["imported_by"]),
        signatures=tuple(
            Signature(_text(one["algorithm"]), base64.b64decode(_text(one["value"]), validate=True))
            for one in _objects(document["signatures"], {"algorithm", "value"})
        ),
    )


def _objects(value: Any, keys: set[str]) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or any(not isinstance(one, dict) or set(one) != keys for one in value):
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value
