"""Proofs that can be handed over: an entry's place in the log, in one text file that anybody can check offline. Pure.

Source: C2SP tlog-proof.

    c2sp.org/tlog-proof@v1
    extra <base64>              optional; here the entry itself, so that the file is complete
    index <decimal>
    <base64 of 32 bytes>        the inclusion path, leaf to root, one hash a line

    <checkpoint>                a signed note, verbatim

What is in ``extra`` proves nothing until `check` has hashed it: only the entry that the path leads from is the one.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.translog import HASH_BYTES, NOTE_CHARS_MAX, Checkpoint, ProofError, open_checkpoint, verify_inclusion

HEAD: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
"""What the files' names end with."""
EXTRA_BYTES_MAX: Final = 1024 * 1024
"""Far more than any entry has."""
PATH_STEPS_MAX: Final = 63
"""As many levels as a tree of fewer than 2^63 entries has."""
_CHARS_MAX: Final = NOTE_CHARS_MAX + 2 * EXTRA_BYTES_MAX
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_EXTRA: Final = "extra "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """One proof."""

    index: int
    """Where the entry stands."""
    path: tuple[bytes, ...]
    """The inclusion path, leaf to root."""
    checkpoint: str
    """The signed checkpoint that it leads to."""
    extra: bytes | None = None
    """What the file carries besides; None where it carries nothing."""


def write(proof: TlogProof) -> str:
    """The file's text."""
    lines = [HEAD]
    if proof.extra is not None:
        lines.append(_EXTRA + base64.b64encode(proof.extra).decode())
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(step).decode() for step in proof.path]
    return "\n".join((*lines, "", proof.checkpoint))


def read(text: str) -> TlogProof:
    """The proof in a file; nothing in it is verified.

    Raises:
        ProofError: it is none, or not in the one form that it has.
    """
    if len(text) > _CHARS_MAX:
        raise ProofError("this file is longer than any proof")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != HEAD or not blank or not checkpoint:
        raise ProofError(f"this is no proof: {HEAD}, an index, a path, an empty line, a checkpoint")
    extra = _decoded(lines.pop(0)[len(_EXTRA) :]) if lines and lines[0].startswith(_EXTRA) else None
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    path = tuple(_decoded(line) for line in lines)
    if index is None or len(path) > PATH_STEPS_MAX or any(len(step) != HASH_BYTES for step in path):
        raise ProofError(f"a proof names an index, and then at most {PATH_STEPS_MAX} hashes of {HASH_BYTES} bytes")
    if extra is not None and len(extra) > EXTRA_BYTES_MAX:
        raise ProofError(f"a proof carries at most {EXTRA_BYTES_MAX} bytes besides")
    return TlogProof(int(index[1]), path, checkpoint, extra)


def check(proof: TlogProof, entry: bytes, origin: str, public_key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint that the log signed over a tree that holds `entry` at the proof's index.

    Raises:
        ProofError: it does not hold it, or did not sign.
    """
    checkpoint = open_checkpoint(proof.checkpoint, origin, public_key)
    verify_inclusion(entry, proof.index, checkpoint.size, proof.path, checkpoint.root)
    return checkpoint


def _decoded(text: str) -> bytes:
    """Base64 in its one form (RFC 4648, section 4)."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ProofError("what a proof carries and its hashes are base64") from None
    if base64.b64encode(data).decode() != text:
        raise ProofError("what a proof carries and its hashes are base64, each in its one form")
    return data
