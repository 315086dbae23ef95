"""Cosignatures: what a witness adds to a log's checkpoint, and how that is checked. Pure; the time is an argument.

Source: C2SP tlog-cosignature. A cosignature says that the witness found this checkpoint consistent with all that it
saw of the log before, and that at its time none larger was seen. There are two kinds:

    0x04  Ed25519    over ``cosignature/v1``, the time and the note's text
    0x06  ML-DSA-44  over a struct of the witness's name, the time, the log's origin, size and root; holds against
                     quantum computers too, which a log's own Ed25519 signature does not

A log may sign its own checkpoints with the second kind, under its origin as name; it then says no time (0).
What this module does not check, and whose duty it is: that two checkpoints agree (the witness's, before it cosigns).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ringfence.translog import ProofError, note_parts, read_checkpoint

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey
PublicKey = Ed25519PublicKey | MLDSA44PublicKey

TIME_UNIX_S_MAX: Final = 2**63 - 1
"""Latest time that a cosignature may bear."""
_ED25519: Final = b"\x04"
_MLDSA44: Final = b"\x06"
_TIME_BYTES: Final = 8
_ID_BYTES: Final = 4
_LABEL: Final = b"subtree/v1\n\x00"
_NAME: Final = re.compile(r"[^\s+]{1,255}")
"""Names of keys: no spaces, no plus (C2SP signed-note); at most 255 bytes fit the signed struct."""


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A key that is trusted to cosign."""

    name: str
    """The witness's name, for example ``site.example/witness``."""
    key: PublicKey
    """Its public key, of either kind."""

    def __post_init__(self) -> None:
        """Refuse a name that no signature line can bear."""
        if not _NAME.fullmatch(self.name) or not self.name.isprintable() or len(self.name.encode()) > 255:  # noqa: PLR2004 - as above
            raise ProofError("a witness has a name of at most 255 bytes, without spaces or plus")

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._encoded).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as a C2SP verifier key: name, hash and key, for configurations and command lines."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._encoded).decode()}"

    @property
    def _encoded(self) -> bytes:
        return (_ED25519 if isinstance(self.key, Ed25519PublicKey) else _MLDSA44) + self.key.public_bytes_raw()


def read_vkey(text: str) -> Cosigner:
    """The cosigner of a C2SP verifier key; ProofError where it is none."""
    name, _, rest = text.strip().partition("+")
    digest, _, encoded = rest.partition("+")
    try:
        data = base64.b64decode(encoded.encode("ascii"), validate=True)
        match data[:1]:
            case b"\x04":
                cosigner = Cosigner(name, Ed25519PublicKey.from_public_bytes(data[1:]))
            case b"\x06":
                cosigner = Cosigner(name, MLDSA44PublicKey.from_public_bytes(data[1:]))
            case _:
                raise ProofError("a witness's verifier key is of type 0x04 (Ed25519) or 0x06 (ML-DSA-44)")
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        text = str(error) if isinstance(error, ProofError) else "write a verifier key: name+hash+base64"
        raise ProofError(text) from None
    if cosigner.key_id.hex() != digest:
        raise ProofError("the hash in this verifier key does not fit its name and key")
    return cosigner


def cosign(note: str, origin: str, name: str, key: PrivateKey, unix_s: int) -> str:
    """The signature line that `name` adds to a log's checkpoint.

    Args:
        note: the signed checkpoint; whoever cosigns has verified it.
        origin: the log's name.
        name: the cosigner's.
        key: its private key; the kind of the cosignature follows from it.
        unix_s: the time, in seconds since 1970; 0 to say none.
    """
    if not 0 <= unix_s <= TIME_UNIX_S_MAX:
        raise ProofError("a cosignature's time is not before 1970, and fits 63 bits")
    cosigner = Cosigner(name, key.public_key())
    signature = key.sign(_message(note_parts(note)[0], origin, cosigner, unix_s))
    return signature_line(name, cosigner.key_id + unix_s.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(note: str, origin: str, cosigner: Cosigner) -> int:
    """When `cosigner` cosigned this checkpoint, in seconds since 1970; 0 where it says no time.

    The log's own signature is not looked at: `ringfence.translog.open_checkpoint` does that.

    Raises:
        ProofError: it did not, or its signature is wrong.
    """
    text, _ = note_parts(note)
    signed = cosignature_of(note, cosigner)
    if signed is None:
        raise ProofError(f"no cosignature of {cosigner.name}'s key stands on this checkpoint")
    start = _ID_BYTES + _TIME_BYTES
    unix_s = int.from_bytes(signed[_ID_BYTES:start], "big")
    if len(signed) <= start or unix_s > TIME_UNIX_S_MAX:
        raise ProofError(f"the cosignature of {cosigner.name} has no time")
    try:
        cosigner.key.verify(signed[start:], _message(text, origin, cosigner, unix_s))
    except InvalidSignature:
        raise ProofError(f"the cosignature of {cosigner.name} on this checkpoint is wrong") from None
    return unix_s


def cosignature_of(note: str, cosigner: Cosigner) -> bytes | None:
    """The bytes of the first line under `note` that names this key; not verified. None where there is none."""
    found = (signed for name, signed in note_parts(note)[1] if name == cosigner.name)
    return next((signed for signed in found if signed[:_ID_BYTES] == cosigner.key_id), None)


def signature_line(name: str, signed: bytes) -> str:
    """A signature as the line that it is in a note."""
    return f"— {name} {base64.b64encode(signed).decode()}\n"


def _message(text: str, origin: str, cosigner: Cosigner, unix_s: int) -> bytes:
    """What is signed."""
    checkpoint = read_checkpoint(text, origin)
    if isinstance(cosigner.key, Ed25519PublicKey):
        return f"cosignature/v1\ntime {unix_s}\n{text}".encode()
    return b"".join(
        (
            _LABEL,
            _opaque(cosigner.name),
            unix_s.to_bytes(8, "big"),
            _opaque(origin),
            bytes(8),  # a checkpoint's tree starts at its first leaf
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _opaque(text: str) -> bytes:
    """A vector of 1 to 255 bytes with its length in front (RFC 8446, section 3.4)."""
    data = text.encode()
    if not 0 < len(data) < 256:  # noqa: PLR2004 - one byte of length
        raise ProofError("names of logs and witnesses have 1 to 255 bytes")
    return bytes([len(data)]) + data
