r"""Sealed records: the exact bytes sent, readable by the auditors alone. Pure but for the system's randomness.

A record is a head and what was sealed, all numbers big-endian:

    offset  bytes
         0      8  ``RFSEAL`` and the version, 0x0001
         8      8  index of the intent in the egress log
        16      8  time of the intent, in milliseconds since 1970
        24     32  the intent's commitment
        56      4  length of what was sealed
        60      4  CRC-32 (zlib's) of the 60 bytes before and of what was sealed
        64         encapsulated key (1,120 bytes), ciphertext, tag

Sealing is HPKE (RFC 9180) in base mode, single-shot, with a fresh encapsulation for each record: KEM MLKEM768-X25519
(draft-ietf-hpke-pq, 0x647a), KDF HKDF-SHA256 (0x0001), AEAD AES-256-GCM (0x0002), empty ``aad``. The plaintext is the
32 bytes of the commitment's salt and then the body. ``info``, which RFC 9180 (8.1) names as the place for what a
single-shot message is bound to, is ``ringfence archive v1\n``, the log's origin, ``\n``, and the head's first 56
bytes: a record that was moved to another entry, another log or another time does not open.

The CRC finds what a crash or a disk has torn; HPKE finds everything else.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from ringfence.commitment import SALT_BYTES

DOMAIN: Final = b"ringfence archive v1\n"
MAGIC: Final = b"RFSEAL\x00\x01"
HEAD_BYTES: Final = 64
OVERHEAD_BYTES: Final = 1120 + 16 + SALT_BYTES
"""By how much a sealed body is longer than the body: encapsulated key, tag, salt."""
SEALED_BYTES_MAX: Final = 2**32 - 1
_NAMED: Final = struct.Struct(">8sQQ32s")
_REST: Final = struct.Struct(">II")
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealError(ValueError):
    """A record that is torn, altered, moved, or sealed to another key; the text holds no content."""


class Name(NamedTuple):
    """What a record is bound to."""

    intent_index: int
    """Where the intent stands in the log."""
    time_unix_ms: int
    """The intent's time."""
    commitment: bytes
    """The intent's commitment, 32 bytes."""


class Head(NamedTuple):
    """The first `HEAD_BYTES` of a record."""

    name: Name
    """What it is bound to."""
    sealed_bytes: int
    """How many bytes follow."""
    crc: int
    """What they and the head add up to."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed."""

    salt: bytes = field(repr=False)
    """Of the commitment."""
    body: bytes = field(repr=False)
    """The exact bytes sent."""


def seal(name: Name, origin: str, salt: bytes, body: bytes, recipient: MLKEM768X25519PublicKey) -> bytes:
    """A whole record.

    Args:
        name: the intent.
        origin: the log's name.
        salt: `SALT_BYTES` bytes.
        body: the exact bytes about to be sent.
        recipient: the auditors' public key.
    """
    assert len(salt) == SALT_BYTES
    named = _named(name)
    sealed = _SUITE.encrypt(salt + body, recipient, info=_info(named, origin))
    length = struct.pack(">I", len(sealed))
    crc = zlib.crc32(sealed, zlib.crc32(named + length))
    return named + _REST.pack(len(sealed), crc) + sealed


def read_head(data: bytes) -> Head:
    """What a record's head says; its CRC is not checked, which `whole` does.

    Raises:
        SealError: `data` is no head.
    """
    if len(data) < HEAD_BYTES or data[:8] != MAGIC:
        raise SealError("no record of a sealed archive begins here")
    _, index, time_unix_ms, commitment = _NAMED.unpack_from(data)
    return Head(Name(index, time_unix_ms, commitment), *_REST.unpack_from(data, _NAMED.size))


def whole(head: Head, sealed: bytes) -> bool:
    """Whether a record came back from the disk as it was written."""
    length = struct.pack(">I", head.sealed_bytes)
    return len(sealed) == head.sealed_bytes and zlib.crc32(sealed, zlib.crc32(_named(head.name) + length)) == head.crc


def unseal(head: Head, sealed: bytes, origin: str, key: MLKEM768X25519PrivateKey) -> Opened:
    """What was sealed; that it fits the log is the caller's to check (``commitment``).

    Raises:
        SealError: it was torn, altered or moved, belongs to another log, or was sealed to another key.
    """
    if not whole(head, sealed):
        raise SealError("the record is torn or damaged")
    try:
        plain = _SUITE.decrypt(sealed, key, info=_info(_named(head.name), origin))
    except InvalidTag:
        why = "the record does not open: another key sealed it, or it was altered, moved or taken from another log"
        raise SealError(why) from None
    if len(plain) < SALT_BYTES:
        raise SealError("the record holds no salt")
    return Opened(plain[:SALT_BYTES], plain[SALT_BYTES:])


def _named(name: Name) -> bytes:
    """The part of the head that the seal is bound to."""
    return _NAMED.pack(MAGIC, *name)


def _info(named: bytes, origin: str) -> bytes:
    """HPKE's ``info``."""
    return DOMAIN + origin.encode() + b"\n" + named
