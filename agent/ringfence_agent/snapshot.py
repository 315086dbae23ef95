"""What the log said at some size, signed, so that a start need not read it all again. Pure.

Two lines: canonical JSON, and the base64 of an Ed25519 signature by the log's key over `DOMAIN` and that JSON. A signed
note begins with the log's origin, which has no spaces, so that no checkpoint can be taken for a snapshot nor the other
way round. An older snapshot of the same log is as good as a newer one: more entries are read again.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ringfence.translog import HASH_BYTES

DOMAIN: Final = b"ringfence log snapshot v1\n"
"""Separates these signatures from everything else that the key signs."""
VERSION: Final = 1
SNAPSHOT_BYTES_MAX: Final = 256 * 1024 * 1024
"""A longer file is not read; everything is replayed instead."""


class SnapshotError(ValueError):
    """These bytes are no snapshot of this log."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A log at one size."""

    origin: str
    """The log's name."""
    size: int
    """How many entries it had."""
    root: bytes
    """Merkle root over them."""
    folds: Mapping[str, Any]
    """What each fold dumped."""


def seal(snapshot: Snapshot, key: Ed25519PrivateKey) -> bytes:
    """The snapshot's file."""
    said = {
        "v": VERSION,
        "origin": snapshot.origin,
        "size": snapshot.size,
        "root": snapshot.root.hex(),
        "folds": snapshot.folds,
    }
    body = json.dumps(said, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    return body + b"\n" + base64.b64encode(key.sign(DOMAIN + body)) + b"\n"


def unseal(content: bytes, origin: str, key: Ed25519PublicKey) -> Snapshot:
    """The snapshot in a file, once its signature has been verified.

    Raises:
        SnapshotError: it is of another log, not signed by this key, or none at all.
    """
    body, _, signature = content.removesuffix(b"\n").rpartition(b"\n")
    try:
        key.verify(base64.b64decode(signature, validate=True), DOMAIN + body)
        said = json.loads(body)
        root = bytes.fromhex(said["root"])
        if said["v"] != VERSION or said["origin"] != origin or len(root) != HASH_BYTES:
            raise SnapshotError("a snapshot of another log or version")
        return Snapshot(origin, int(said["size"]), root, dict(said["folds"]))
    except (InvalidSignature, binascii.Error, KeyError, TypeError, ValueError) as error:
        raise SnapshotError("no snapshot that this log's key signed") from error
