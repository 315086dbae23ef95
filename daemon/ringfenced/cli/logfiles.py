"""Reading an egress log and its keys from disk, and not writing there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ringfence.cosignature import Cosigner, PrivateKey, read_vkey
from ringfence.presence import is_there
from ringfence.translog import ProofError, key_hash
from ringfenced.cli import verify
from ringfenced.cli.exits import ExitCode, Failure

_ED25519: Final = b"\x01"
"""Signature type of Ed25519 (C2SP signed-note)."""


def read_checkpoint(path: Path) -> str:
    """A signed checkpoint's text.

    Raises:
        Failure: it cannot be read, or is no text.
    """
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError:
        raise Failure(f"{path} is no checkpoint", code=ExitCode.USAGE) from None


def read_checkpoint_if_there(path: Path) -> str | None:
    """The same where one may be missing: None then, and only then.

    Raises:
        Failure: as of `read_checkpoint`, or nobody can tell whether it is there.
    """
    try:
        return read_checkpoint(path) if is_there(path) else None
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from error


def origin_of(note: str) -> str:
    """The name that a checkpoint bears; not verified here."""
    return note.partition("\n")[0]


def size_of(note: str) -> int:
    """How many entries a checkpoint covers; not verified here.

    Raises:
        Failure: it is no checkpoint.
    """
    size = note.split("\n", 2)[1:2]
    if not size or not size[0].isdecimal():
        raise Failure("this checkpoint is no checkpoint")
    return int(size[0])


def read_key(path: Path) -> tuple[Ed25519PublicKey, str]:
    """The log's public key, from PEM or from a C2SP verifier key (``name+hash+key``); with its name where it has one.

    Raises:
        Failure: it cannot be read, or is neither.
    """
    data = read_bytes(path)
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_public_key(data)
            if isinstance(key, Ed25519PublicKey):
                return key, ""
        else:
            return _verifier_key(data.decode("ascii").strip())
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise Failure(
        f"{path} is no Ed25519 public key",
        code=ExitCode.USAGE,
        advice=("give the log's public key as PEM (log.pub), or as a verifier key: name+hash+base64",),
    )


def entries(directory: Path) -> Iterator[bytes]:
    """The entries of a log, in order; a last line without its newline is left out, for it is still being written.

    Raises:
        Failure: a segment is missing, or cannot be read.
    """
    try:
        yield from verify.entries_of(directory)
    except verify.Invalid as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"cannot read {error.filename}: {error.strerror}") from error


def read_signing_key(path: Path) -> PrivateKey:
    """A witness's private key: PEM (PKCS #8) of Ed25519 or ML-DSA-44.

    Raises:
        Failure: it cannot be read, or is neither.
    """
    try:
        key = load_pem_private_key(read_bytes(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
        return key
    raise Failure(
        f"{path} is no private key to cosign with",
        code=ExitCode.USAGE,
        advice=("give an Ed25519 or ML-DSA-44 key in PEM, without a password: ringfence dev-certs makes some",),
    )


def read_witness(text: str) -> Cosigner:
    """A witness's verifier key, from a command line.

    Raises:
        Failure: it is none.
    """
    try:
        return read_vkey(text)
    except ProofError as error:
        raise Failure(f"--witness: {error}", code=ExitCode.USAGE) from error


def _verifier_key(text: str) -> tuple[Ed25519PublicKey, str]:
    """A C2SP verifier key; ValueError where it is none."""
    name, digest, encoded = text.split("+", 2)
    decoded = base64.b64decode(encoded, validate=True)
    key = Ed25519PublicKey.from_public_bytes(decoded[1:])
    if decoded[:1] != _ED25519 or key_hash(name, key).hex() != digest:
        raise ValueError("the hash does not fit name and key")
    return key, name


def read_bytes(path: Path) -> bytes:
    """A file's bytes; Failure where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from error
