r"""Release permits: the daemon's signed word that this exact payload may go to this provider and model, once.

A permit is `Statement` bytes and an Ed25519 signature over ``ringfence permit v1\n`` and those bytes. `verify` checks,
in this order, and stops at the first that fails (`PermitError.rule`):

    statement    the bytes are a PermitStatement with known fields only, each within its range and of its shape: what
                 the log keeps must not be a place to put text (`_SHAPES`)
    key          the statement names a key that this agent trusts
    signature    that key signed exactly these bytes
    payload      SHA-256 and length are the payload's
    freshness    issued at most `LIFETIME_MS` before it expires, and now lies between, give or take `SKEW_MS`
    nonce        16 bytes

Parsing before the signature is what finds the key; nothing of an unverified statement is believed or kept. What this
module does not check: that the permit was not used before, and that provider, model and label may go together. Both are
the agent's (``ringfence_agent.gate``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ringfence.labels import Label
from ringfence.v1 import egress_pb2 as pb
from ringfence.wire import WireError, label_from, label_to, parse

DOMAIN: Final = b"ringfence permit v1\n"
"""Separates these signatures from everything else that the key may sign."""
LIFETIME_MS: Final = 30_000
"""The longest that a permit holds."""
SKEW_MS: Final = 2_000
"""How far the two clocks may lie apart."""
NONCE_BYTES: Final = 16
STATEMENT_BYTES_MAX: Final = 16 * 1024

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_ID: Final = re.compile(r"[0-9a-f]{24,64}|[a-z]{1,8}-?[0-9]{0,6}")
_SHAPES: Final[Mapping[str, re.Pattern[str]]] = {
    "provider": _NAME,
    "model": _NAME,
    "key_id": _NAME,
    "department": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"),
    "request_id": _ID,
    "caller_pseudonym": _ID,
    "decision_reason": re.compile(r"(?:[A-Za-z][A-Za-z ,;'-]{0,127})?"),
}
"""Names are written as configurations write them; ids are 24 to 64 hexadecimal digits, or a short word with a number;
the reason is a few words without a digit."""
_TYPE: Final = re.compile(r"[A-Z][A-Z_]{0,31}[0-9]{0,2}")
_TYPES_MAX: Final = 128


class PermitError(Exception):
    """A permit that does not hold."""

    def __init__(self, rule: str, message: str) -> None:
        """Say which rule of the module's docstring failed, and why; without content."""
        super().__init__(message)
        self.rule = rule


class Permit(NamedTuple):
    """What travels."""

    statement: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """What the daemon says."""

    payload_sha256: bytes
    """SHA-256 of the payload's bytes."""
    payload_bytes: int
    """Their number."""
    provider: str
    """Where it may go, by the name in the agent's configuration."""
    model: str
    """Which of the provider's models."""
    label: Label
    """The payload's label, after de-identification."""
    label_before: Label
    """The label before it."""
    caller_pseudonym: str
    """Keyed hash of the caller's identity."""
    department: str
    """Whose wallet pays."""
    request_id: str
    """The daemon's name for the request."""
    issued_at_unix_ms: int
    """When it was signed."""
    expires_at_unix_ms: int
    """When it ceases to hold."""
    nonce: bytes = field(repr=False)
    """Random; a permit works once."""
    key_id: str
    """Which key signed."""
    findings_by_type: Mapping[str, int] = field(default_factory=dict)
    """What was found before de-identification."""
    decision_reason: str = ""
    """Why the daemon chose this target; without content."""
    cost_microcredits_max: int = 0
    """What the run may cost, in millionths of a credit."""


def sign(statement: Statement, key: Ed25519PrivateKey) -> Permit:
    """The permit of a statement.

    Raises:
        PermitError: `verify` would refuse the statement, whatever the key and the time.
    """
    data = _encode(statement)
    _decode(data)
    return Permit(data, key.sign(DOMAIN + data))


def verify(permit: Permit, public_keys: Mapping[str, Ed25519PublicKey], payload: bytes, now_unix_ms: int) -> Statement:
    """The statement of a permit that holds.

    Args:
        permit: as it came.
        public_keys: the keys that may sign, by key id.
        payload: the bytes that it must be for.
        now_unix_ms: the verifier's clock.

    Raises:
        PermitError: it does not hold.
    """
    statement = _decode(permit.statement)
    public_key = public_keys.get(statement.key_id)
    if public_key is None:
        raise PermitError("key", "the permit's key is not one that this agent trusts")
    try:
        public_key.verify(permit.signature, DOMAIN + permit.statement)
    except InvalidSignature:
        raise PermitError("signature", "the permit's signature does not fit its statement") from None
    if statement.payload_bytes != len(payload) or statement.payload_sha256 != hashlib.sha256(payload).digest():
        raise PermitError("payload", "the permit was signed for another payload")
    lifetime_ms = statement.expires_at_unix_ms - statement.issued_at_unix_ms
    if not 0 < lifetime_ms <= LIFETIME_MS:
        raise PermitError("freshness", f"a permit holds for at most {LIFETIME_MS} ms, not {lifetime_ms} ms")
    if not statement.issued_at_unix_ms - SKEW_MS <= now_unix_ms < statement.expires_at_unix_ms + SKEW_MS:
        late_ms = now_unix_ms - statement.expires_at_unix_ms
        raise PermitError("freshness", f"the permit is not in force: {late_ms} ms past its end by this clock")
    if len(statement.nonce) != NONCE_BYTES:
        raise PermitError("nonce", f"a permit's nonce has {NONCE_BYTES} bytes")
    return statement


def _encode(statement: Statement) -> bytes:
    """The statement's bytes."""
    try:
        return pb.PermitStatement(
            payload_sha256=statement.payload_sha256,
            provider=statement.provider,
            model=statement.model,
            label=label_to(statement.label),
            label_before=label_to(statement.label_before),
            caller_pseudonym=statement.caller_pseudonym,
            department=statement.department,
            request_id=statement.request_id,
            payload_bytes=statement.payload_bytes,
            issued_at_unix_ms=statement.issued_at_unix_ms,
            expires_at_unix_ms=statement.expires_at_unix_ms,
            nonce=statement.nonce,
            findings_by_type=statement.findings_by_type,
            decision_reason=statement.decision_reason,
            cost_microcredits_max=statement.cost_microcredits_max,
            key_id=statement.key_id,
        ).SerializeToString(deterministic=True)
    except ValueError:
        raise PermitError("statement", "a number in the permit's statement is out of its range") from None


def _decode(data: bytes) -> Statement:
    """The statement in `data`, each field within its range."""
    if len(data) > STATEMENT_BYTES_MAX:
        raise PermitError("statement", f"a permit's statement has at most {STATEMENT_BYTES_MAX} bytes")
    try:
        message = parse(pb.PermitStatement, data)
        statement = Statement(
            payload_sha256=message.payload_sha256,
            payload_bytes=message.payload_bytes,
            provider=message.provider,
            model=message.model,
            label=label_from(message.label),
            label_before=label_from(message.label_before),
            caller_pseudonym=message.caller_pseudonym,
            department=message.department,
            request_id=message.request_id,
            issued_at_unix_ms=message.issued_at_unix_ms,
            expires_at_unix_ms=message.expires_at_unix_ms,
            nonce=message.nonce,
            key_id=message.key_id,
            findings_by_type=dict(message.findings_by_type),
            decision_reason=message.decision_reason,
            cost_microcredits_max=message.cost_microcredits_max,
        )
    except WireError as error:
        raise PermitError("statement", str(error)) from None
    for name, shape in _SHAPES.items():
        if shape.fullmatch(getattr(statement, name)) is None:
            raise PermitError("statement", f"the permit's {name} has not the shape of one; see ringfence.permit")
    types = statement.findings_by_type
    if len(types) > _TYPES_MAX or any(_TYPE.fullmatch(name) is None for name in types):
        raise PermitError("statement", f"a permit names at most {_TYPES_MAX} types of findings, as in ENTITIES")
    if statement.cost_microcredits_max < 0 or statement.issued_at_unix_ms < 0 or statement.expires_at_unix_ms < 0:
        raise PermitError("statement", "times and costs are not negative")
    return statement
