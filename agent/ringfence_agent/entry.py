"""Entries of the egress log: what they say, and the exact bytes that they are. Pure.

An entry is canonical JSON: keys sorted, no spaces, UTF-8, whole numbers only. docs/egress-log.md describes every field.
The journal adds ``v``, ``seq`` and ``time_unix_ms``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ringfence.commitment import commitment
from ringfence.labels import Label
from ringfence.permit import Permit
from ringfence_agent.gate import Verdict

VERSION: Final = 1
SALT_DOMAIN: Final = b"ringfence payload salt v1\n"

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

Value = str | int | list[str] | Mapping[str, int] | Mapping[str, object]
Fields = Mapping[str, Value]


class Kind(StrEnum):
    """What an entry tells of."""

    INTENT = "intent"
    """Bytes are about to leave."""
    OUTCOME = "outcome"
    """What became of an intent."""
    REFUSAL = "refusal"
    """Nothing left."""
    START = "start"
    """The agent began to run."""
    LOCKDOWN = "lockdown"
    """Egress was stopped or allowed again."""
    KEY = "key"
    """A provider's API key was read anew."""


class Outcome(StrEnum):
    """What became of an intent."""

    ANSWERED = "answered"
    """The provider answered to the end."""
    FAILED = "failed"
    """The provider failed; bytes may have left."""
    CANCELLED = "cancelled"
    """The daemon hung up, or egress was stopped, and bytes may have left; or ``before_sending``, and none did."""
    UNKNOWN = "unknown"
    """The agent ended before it knew; bytes may have left."""


def canonical(fields: Mapping[str, object]) -> bytes:
    """The exact bytes of an entry."""
    return _ENCODER.encode(fields).encode()


def salt(salt_key: bytes, nonce: bytes) -> bytes:
    """The salt of one permit's payload commitment.

    It does not stand in the log, so that a reader of the log cannot test guesses of short payloads. The agent can
    work it out again for an auditor who has the payload, for this entry and no other.
    """
    return hmac.digest(salt_key, SALT_DOMAIN + hashlib.sha256(nonce).digest(), "sha256")


def judged(permit: Permit, payload: bytes, verdict: Verdict) -> dict[str, Value]:
    """What intents and refusals have in common: who asked for what, and what was found.

    Of a permit that was not verified nothing is repeated but its digest.
    """
    fields: dict[str, Value] = {
        "permit_sha256": digest(permit.statement),
        "payload_bytes": len(payload),
        "findings": dict(verdict.findings),
    }
    if statement := verdict.statement:
        fields |= {
            "request_id": statement.request_id,
            "caller": statement.caller_pseudonym,
            "department": statement.department,
            "label": label_fields(statement.label),
            "label_before": label_fields(statement.label_before),
            "findings_before": dict(statement.findings_by_type),
            "nonce_sha256": digest(statement.nonce),
            "provider": statement.provider,
            "model": statement.model,
            "key_id": statement.key_id,
        }
        if statement.decision_reason:
            fields["decision"] = statement.decision_reason
    if verdict.destination:
        fields["region"] = verdict.destination.region
    if verdict.policies:
        fields["policy"] = list(verdict.policies)
    return fields


def intent(permit: Permit, payload: bytes, verdict: Verdict, salt_key: bytes) -> dict[str, Value]:
    """What must be durable before anything is sent."""
    assert verdict.statement is not None
    payload_salt = salt(salt_key, verdict.statement.nonce)
    return judged(permit, payload, verdict) | {
        "bytes_out": len(verdict.body),
        "commitment": commitment(payload_salt, verdict.body),
        "cost_microcredits_max": verdict.cost_microcredits_max,
    }


def refusal(permit: Permit, payload: bytes, verdict: Verdict) -> dict[str, Value]:
    """What tells that nothing left."""
    return judged(permit, payload, verdict) | {"bytes_out": 0, "reasons": [reason.rule for reason in verdict.reasons]}


def outcome(
    intent_index: int,
    intent_fields: Fields,
    kind: Outcome,
    *,
    reason: str,
    bytes_in: int | None,
    usage: Mapping[str, int],
    attempts: int | None = None,
    cost_microcredits: int | None = None,
) -> dict[str, Value]:
    """What became of an intent.

    Args:
        intent_index: where the intent stands.
        intent_fields: what it says; what names the request is repeated.
        kind: what became of it.
        reason: why it failed, or why the answer ended; one of a fixed set of words.
        bytes_in: length of the answer as it came; None where nobody knows.
        usage: tokens, as the provider counted them.
        attempts: how often it was tried; None where nobody knows.
        cost_microcredits: what it cost; None counts it with its whole estimate.
    """
    repeated = ("request_id", "department", "provider", "model", "region", "permit_sha256", "bytes_out")
    fields: dict[str, Value] = {name: intent_fields[name] for name in repeated if name in intent_fields}
    most = intent_fields.get("cost_microcredits_max", 0)
    cost = most if cost_microcredits is None else cost_microcredits
    fields |= {"intent": intent_index, "outcome": kind.value, "usage": dict(usage), "cost_microcredits": cost}
    if reason:
        fields["reasons"] = [reason]
    if bytes_in is not None:
        fields["bytes_in"] = bytes_in
    if attempts is not None:
        fields["attempts"] = attempts
    return fields


def label_fields(label: Label) -> dict[str, object]:
    """A label as an entry says it."""
    return {"level": label.level.name, "categories": sorted(label.categories)}


def digest(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()
