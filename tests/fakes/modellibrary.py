"""Models to put into a library, and keys to sign them with."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from ringfenced.library.manifest import FileFacts, Manifest
from ringfenced.library.names import format_of

AT = "2026-11-29T12:00:00Z"


def manifest_of(files, name="m", **changes):
    """The manifest of these files: path to content."""
    facts = tuple(FileFacts(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items())
    said = {"source": "hf:org/m", "revision": "r1", "licence": "MIT", "imported_at": AT, "imported_by": "ann@host"}
    return Manifest(**{"name": name, "format": format_of(files), "files": facts} | said | changes)


def bring(library, files, name="m", **changes):
    """Put a model through quarantine into the library."""
    manifest = manifest_of(files, name, **changes)
    with library.arrival(name) as arrival:
        for path, data in files.items():
            with arrival.open_part(path, keep=False) as part:
                part.write(data)
                arrival.complete(path, part, hashlib.sha256(data).hexdigest())
        arrival.admit(manifest, library.signers)
    return manifest


def pems(key):
    """A key as its two PEM files: private, public."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
