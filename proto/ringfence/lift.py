"""An operator's own word that egress may be allowed again: an Ed25519 signature that no daemon can make up.

The agent knows operators by the pseudonyms that a daemon tells, and a hostile daemon could tell any. Where the agent
holds operators' public keys, a lift counts only with signatures. What is signed names the log and the moment of the
stop, so that it lifts this stop and no other, and a time after which it is worth nothing.

    ringfence lockdown v1
    allow egress again
    <the log's name>
    <when egress was stopped, Unix time in milliseconds>
    <the operator's name in the agent's configuration>
    <until when this may be used, Unix time in milliseconds>
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LIFETIME_MS_MAX: Final = 15 * 60 * 1000
"""A signature is worth something for at most so long; clocks of operators and agent need not be closer than that."""
_HEAD: Final = "ringfence lockdown v1\nallow egress again\n"


class LiftError(ValueError):
    """A lift that does not count. The text says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Lift:
    """One operator's word."""

    origin: str
    """Name of the agent's log."""
    stopped_unix_ms: int
    """When egress was stopped, by the agent's word."""
    operator: str
    """The operator's name in the agent's configuration."""
    expires_at_unix_ms: int
    """Until when it may be used."""

    def statement(self) -> bytes:
        """The exact bytes that are signed.

        Raises:
            LiftError: a name has a line break, and could pass for another line.
        """
        lines = (self.origin, str(self.stopped_unix_ms), self.operator, str(self.expires_at_unix_ms))
        if any("\n" in line for line in lines):
            raise LiftError("names of logs and operators have no line breaks")
        return (_HEAD + "\n".join(lines) + "\n").encode()


def sign(lift: Lift, key: Ed25519PrivateKey) -> bytes:
    """The signature."""
    return key.sign(lift.statement())


def verify(lift: Lift, signature: bytes, keys: Mapping[str, Ed25519PublicKey], now_unix_ms: int) -> None:
    """Pass if the operator signed, with a key that is known, and in time.

    Raises:
        LiftError: it does not count.
    """
    key = keys.get(lift.operator)
    if not lift.operator or key is None:
        raise LiftError(
            "lifting takes a signature of an operator whom the agent's lockdown.operators names; "
            "use --operator NAME and --key FILE"
        )
    if not now_unix_ms < lift.expires_at_unix_ms <= now_unix_ms + LIFETIME_MS_MAX:
        raise LiftError("the signature is too old, or made to last too long; sign again, and look at the clocks")
    try:
        key.verify(signature, lift.statement())
    except InvalidSignature:
        raise LiftError(
            f"the signature is not {lift.operator}'s for this stop of this log; look at lockdown status, and sign again"
        ) from None
