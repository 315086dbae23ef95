"""The files that the configuration names, read: keys, and whatever stands in one; ConfigError where one is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ringfence import sealkeys
from ringfence.configfile import ConfigError
from ringfence_agent.config import demand_private

_SALT_BYTES: Final = 32


def salt_key(path: Path) -> bytes:
    """The key of the salts, made where it is missing."""
    if not path.exists():
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:  # noqa: PTH123 - mode
                file.write(os.urandom(_SALT_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; make it: head -c 32 /dev/urandom > {path}") from None
    demand_private(path)
    key = read(path)
    if len(key) != _SALT_BYTES:
        raise ConfigError(f"{path}: not {_SALT_BYTES} bytes; make it: head -c 32 /dev/urandom > {path}")
    return key


def private_key(path: Path) -> Ed25519PrivateKey:
    """An Ed25519 key."""
    try:
        key = load_pem_private_key(read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: no Ed25519 private key; make one: openssl genpkey -algorithm ed25519 -out {path}")
    return key


def second_key(path: Path | None) -> MLDSA44PrivateKey | None:
    """An ML-DSA-44 key."""
    if path is None:
        return None
    try:
        key = load_pem_private_key(read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, MLDSA44PrivateKey):
        raise ConfigError(
            f"{path}: no ML-DSA-44 private key; make one: openssl genpkey -algorithm ML-DSA-44 -out {path}"
        )
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """An Ed25519 key's public half."""
    try:
        key = load_pem_public_key(read(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path}: no Ed25519 public key; make one: openssl pkey -in KEY -pubout -out {path}")
    return key


def recipient(path: Path) -> MLKEM768X25519PublicKey:
    """The auditors' public keys."""
    try:
        return sealkeys.load_public(read(path))
    except sealkeys.SealKeyError as error:
        raise ConfigError(f"{path}: {error}; auditors make it: ringfence audit new-key auditors") from None


def read(path: Path) -> bytes:
    """A file's content."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; the configuration names this file") from None
