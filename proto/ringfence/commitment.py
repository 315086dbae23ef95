r"""What an entry of the egress log says of the exact bytes sent. Pure.

    commitment = SHA-256("ringfence payload v1\n" || salt || body)

The salt keeps readers of the log from testing guesses of short payloads. It is 32 bytes of one permit alone: whoever
has salt and body can check this commitment and no other. docs/egress-log.md says where the salt comes from.
"""

from __future__ import annotations

import hashlib
from typing import Final

COMMITMENT_DOMAIN: Final = b"ringfence payload v1\n"
"""Separates these digests from all others."""
SALT_BYTES: Final = 32


def commitment(payload_salt: bytes, body: bytes) -> str:
    """The commitment to `body`, as an entry says it: 64 hex digits.

    Args:
        payload_salt: `SALT_BYTES` bytes.
        body: the exact body sent.
    """
    assert len(payload_salt) == SALT_BYTES
    return hashlib.sha256(COMMITMENT_DOMAIN + payload_salt + body).hexdigest()
