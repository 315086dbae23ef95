"""The auditors' key pair: what the agent seals its archive to, and what opens it.

Two keys in one file, each a PEM block of its own, in any order: ML-KEM-768 (FIPS 203) and X25519 (RFC 7748), as PKCS #8
(RFC 5958) in the private file and SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) in the public one. Both together are the
hybrid KEM MLKEM768-X25519 (draft-ietf-hpke-pq, KEM id 0x647a), which holds as long as one of its halves does.
OpenSSL 3.5 makes such blocks too: ``openssl genpkey -algorithm ML-KEM-768`` and ``-algorithm X25519``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

KEY_FILE_BYTES_MAX: Final = 64 * 1024
"""No key file is longer."""
_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
"""One block of RFC 7468."""


class SealKeyError(ValueError):
    """A key file that holds something else than the two keys."""


def make() -> tuple[bytes, bytes]:
    """A new pair: the private file, and the public one. Reads the system's randomness."""
    mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    private = b"".join(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in (mlkem, x25519))
    public = b"".join(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in (mlkem, x25519)
    )
    return private, public


def load_public(data: bytes) -> MLKEM768X25519PublicKey:
    """The key that records are sealed to.

    Raises:
        SealKeyError: `data` is not one ML-KEM-768 and one X25519 public key; a private key is refused as well.
    """
    mlkem: list[MLKEM768PublicKey] = []
    x25519: list[X25519PublicKey] = []
    try:
        for block in _blocks(data):
            key = load_pem_public_key(block)
            if isinstance(key, MLKEM768PublicKey):
                mlkem.append(key)
            elif isinstance(key, X25519PublicKey):
                x25519.append(key)
    except (ValueError, UnsupportedAlgorithm):
        raise SealKeyError("a block is no public key") from None
    if len(mlkem) != 1 or len(x25519) != 1:
        raise SealKeyError("there must be one ML-KEM-768 and one X25519 public key")
    return MLKEM768X25519PublicKey(mlkem[0], x25519[0])


def load_private(data: bytes) -> MLKEM768X25519PrivateKey:
    """The key that opens records.

    Raises:
        SealKeyError: `data` is not one ML-KEM-768 and one X25519 private key, without a password.
    """
    mlkem: list[MLKEM768PrivateKey] = []
    x25519: list[X25519PrivateKey] = []
    try:
        for block in _blocks(data):
            key = load_pem_private_key(block, password=None)
            if isinstance(key, MLKEM768PrivateKey):
                mlkem.append(key)
            elif isinstance(key, X25519PrivateKey):
                x25519.append(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SealKeyError("a block is no private key without a password") from None
    if len(mlkem) != 1 or len(x25519) != 1:
        raise SealKeyError("there must be one ML-KEM-768 and one X25519 private key")
    return MLKEM768X25519PrivateKey(mlkem[0], x25519[0])


def _blocks(data: bytes) -> Iterator[bytes]:
    """The PEM blocks of a file."""
    if len(data) > KEY_FILE_BYTES_MAX:
        raise SealKeyError(f"the file is longer than {KEY_FILE_BYTES_MAX} bytes")
    return (block.group() for block in _BLOCK.finditer(data))
