"""Persons' word that a policy may take effect: Ed25519 signatures over its digest, a line each in a file beside it.

What is signed names the policy's exact bytes, what it speaks of, who signs and when, so that a signature is good for
no other policy, in no other place and for nobody else.

    ringfence policy approval v1            (ringfence people policy approval v1: under a policy for people)
    <SHA-256 of the policy file, hex>
    <the approver's name in the daemon's configuration>
    <when it was signed, Unix time in milliseconds>

A line of the file is the last two and the signature in base64, with a blank between each. Lines that do not count are
passed over: an approver who signed an earlier version leaves one behind.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ringfenced.policy.rules import PEOPLE, REQUESTS

AHEAD_MS_MAX: Final = 5 * 60 * 1000
"""How far the clock of who signs may be ahead of the daemon's."""
_HEADS: Final = {
    REQUESTS: "ringfence policy approval v1\n",
    PEOPLE: "ringfence people policy approval v1\n",
}
_FIELDS: Final = 3
_TIME: Final = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word."""

    digest: str
    """SHA-256 of the policy file, hex."""
    name: str
    """Who signs, by the name in the daemon's configuration."""
    signed_unix_ms: int
    """When."""
    schema: str = REQUESTS
    """What the file speaks of: `REQUESTS` or `PEOPLE`."""

    def statement(self) -> bytes:
        """The exact bytes that are signed."""
        return f"{_HEADS[self.schema]}{self.digest}\n{self.name}\n{self.signed_unix_ms}\n".encode()


def digest_of(policy: bytes) -> str:
    """What approvers sign of a policy file: the SHA-256 of its bytes, hex."""
    return hashlib.sha256(policy).hexdigest()


def sign(approval: Approval, key: Ed25519PrivateKey) -> str:
    """The line for the file, without its end."""
    signature = base64.b64encode(key.sign(approval.statement())).decode()
    return f"{approval.name} {approval.signed_unix_ms} {signature}"


def approvers(
    policy: bytes,
    lines: Iterable[str],
    keys: Mapping[str, Ed25519PublicKey],
    now_unix_ms: int,
    schema: str = REQUESTS,
) -> list[str]:
    """Who has approved a policy, each once, in order of their names.

    Args:
        policy: the exact bytes of its file.
        lines: of the file of approvals.
        keys: of everybody who can approve, by name.
        now_unix_ms: the clock; what was signed later than this is not taken.
        schema: what the file speaks of; a signature under the other kind does not count.
    """
    plain = Approval(digest_of(policy), "", 0, schema)
    return sorted({name for line in lines if (name := _approver(plain, line, keys, now_unix_ms))})


def _approver(plain: Approval, line: str, keys: Mapping[str, Ed25519PublicKey], now_unix_ms: int) -> str:
    """Who approves with a line; empty where it does not count."""
    fields = line.split()
    if len(fields) != _FIELDS or fields[0] not in keys or not _TIME.fullmatch(fields[1]):
        return ""
    approval = replace(plain, name=fields[0], signed_unix_ms=int(fields[1]))
    if approval.signed_unix_ms > now_unix_ms + AHEAD_MS_MAX:
        return ""
    try:
        signature = base64.b64decode(fields[2], validate=True)
        keys[approval.name].verify(signature, approval.statement())
    except (InvalidSignature, ValueError):
        return ""
    return approval.name if base64.b64encode(signature).decode() == fields[2] else ""
