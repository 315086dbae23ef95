"""Who vouches for a model: signatures over its manifest's statement, by Ed25519 and ML-DSA-44. Pure.

A site that names signers uses no model that none of them signed. ML-DSA-44 (FIPS 204) holds against quantum computers
too; whoever wants both signs with both keys, and lists the one that counts as signer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ringfenced.library.errors import Refused
from ringfenced.library.manifest import Manifest, Signature

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey
PublicKey = Ed25519PublicKey | MLDSA44PublicKey

_CONTEXT: Final = b"ringfence model manifest v1"
"""ML-DSA's own domain separation (FIPS 204, section 5.2), beside the statement's first line."""


def public_key(data: bytes) -> PublicKey:
    """A signer's public key, PEM.

    Raises:
        Refused: it is none of the two kinds.
    """
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PublicKey | MLDSA44PublicKey):
        return key
    raise Refused("no public key of a signer", "write Ed25519 or ML-DSA-44 in PEM: openssl pkey -in signer.key -pubout")


def private_key(data: bytes) -> PrivateKey:
    """A signer's private key, PEM without a password.

    Raises:
        Refused: it is none of the two kinds.
    """
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
        return key
    raise Refused(
        "no private key to sign with", "make one: openssl genpkey -algorithm ed25519 (or ML-DSA-44) -out signer.key"
    )


def key_id(key: PublicKey) -> str:
    """A key's short name in messages: 16 hex digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign(manifest: Manifest, keys: Iterable[PrivateKey]) -> Manifest:
    """The manifest with a signature by each key. Ed25519 gives the same each time, ML-DSA-44 another."""
    statement = manifest.statement()
    return manifest.signed(
        Signature("ed25519", key.sign(statement))
        if isinstance(key, Ed25519PrivateKey)
        else Signature("ml-dsa-44", key.sign(statement, _CONTEXT))
        for key in keys
    )


def signed_by(manifest: Manifest, signers: Iterable[PublicKey]) -> tuple[str, ...]:
    """Which of these keys signed it, by their short names."""
    statement = manifest.statement()
    return tuple(key_id(key) for key in signers if any(_is_of(one, key, statement) for one in manifest.signatures))


def demand_signed(manifest: Manifest, signers: tuple[PublicKey, ...]) -> None:
    """Pass if a signer vouches for the model, or no signer is named.

    Raises:
        Refused: none does.
    """
    if signers and not signed_by(manifest, signers):
        what = "is not signed" if not manifest.signatures else "bears no valid signature by one of this site's signers"
        raise Refused(
            f"{manifest.name} {what}",
            "have one of the signers sign it (pull or export with --sign KEY), or name the right public key as signer",
        )


def _is_of(signature: Signature, key: PublicKey, statement: bytes) -> bool:
    """Whether `key` made this signature."""
    try:
        if isinstance(key, Ed25519PublicKey):
            if signature.algorithm != "ed25519":
                return False
            key.verify(signature.value, statement)
        else:
            if signature.algorithm != "ml-dsa-44":
                return False
            key.verify(signature.value, statement, _CONTEXT)
    except InvalidSignature:
        return False
    return True
