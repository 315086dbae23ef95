"""The agent's judgement, pure: may this leave? The daemon is judged as if it were hostile.

The rules, in the order in which they are checked and their names stand in `Verdict.reasons`:

    permit.*      the permit holds (``ringfence.permit.verify`` names the part), and is used for the first time
                  (``permit.replayed``); without it nothing else is believed, so that the others are not looked at
    payload       the bytes are an EgressPayload with known fields only, all of it text; nor without this
    destination   the provider is configured, and lists the model
    label         the label may go there: never RESTRICTED, and within the provider's clearance
    residual      the agent's own scan, of every string of the payload and of the exact body that would be sent, finds
                  nothing that the provider is not cleared for
    size          the body is no longer than the provider's limit
    lockdown      egress is not stopped

What the caller still owes: remembering the nonce, the durable intent before anything is sent, `still` after it, and
sending `Verdict.body`, these bytes and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence import permit
from ringfence.labels import Label, may_leave
from ringfence.permit import Permit, PermitError, Statement
from ringfence.recognize.finding import Finding
from ringfence_agent.payload import Payload, PayloadError, decode, json_leaves, leaves

Residual = Callable[[str], Iterable[Finding]]
"""Text to what is left to find in it."""
LabelOf = Callable[[Iterable[Finding]], Label]
"""Findings to the label that they make."""


class Reason(NamedTuple):
    """One rule that failed."""

    rule: str
    """Its name in the module's docstring."""
    message: str
    """What is wrong and what to do; no content."""


_LOCKDOWN: Final = Reason("lockdown", "egress is stopped by an operator")


@dataclass(frozen=True, slots=True)
class Destination:
    """One model of a provider."""

    provider: str
    """The provider's name."""
    model: str
    """The model's name in permits."""
    wire_model: str
    """Its name on the wire; from the configuration, so that it is not scanned: some hold dates."""
    region: str
    """Where it runs."""
    contract: str
    """What was agreed."""
    clearance: Label
    """Highest label that may go there."""
    body_bytes_max: int
    """Longest request body."""
    seconds_max: float
    """Longest answer; not judged."""
    encode: Callable[[Payload], bytes]
    """The exact body for a payload; pure."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What the daemon asks for."""

    permit: Permit
    """Its word."""
    payload: bytes = field(repr=False)
    """Serialised EgressPayload."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the agent judges by; the same for every submission."""

    permit_keys: Mapping[str, Ed25519PublicKey]
    """Keys that may sign permits, by key id."""
    destinations: Mapping[tuple[str, str], Destination]
    """By provider and model."""
    residual: Residual
    """The agent's own scan."""
    label_of: LabelOf
    """What findings mean."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What may differ from one submission to the next."""

    now_unix_ms: int
    """The agent's clock."""
    used: Callable[[bytes], bool]
    """Whether a nonce was seen before."""
    lockdown: bool
    """Whether egress is stopped."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was judged."""

    reasons: tuple[Reason, ...]
    """Every rule that failed, in order; empty means that it may leave."""
    statement: Statement | None = None
    """What the permit says, once it was verified."""
    destination: Destination | None = None
    """Where to, once it is known."""
    findings: Mapping[str, int] = field(default_factory=dict)
    """The agent's own findings by type, those that the provider is cleared for too."""
    body: bytes = field(default=b"", repr=False)
    """The exact body; only with no reasons."""


def judge(submission: Submission, rules: Rules, circumstances: Circumstances) -> Verdict:
    """The verdict on a submission."""
    try:
        statement = permit.verify(submission.permit, rules.permit_keys, submission.payload, circumstances.now_unix_ms)
    except PermitError as error:
        return Verdict((Reason(f"permit.{error.rule}", str(error)),))
    if circumstances.used(statement.nonce):
        return Verdict((Reason("permit.replayed", "the permit was used before; sign a new one"),), statement)
    try:
        payload = decode(submission.payload)
    except PayloadError as error:
        return Verdict((Reason("payload", str(error)),), statement)
    return _judge_content(statement, payload, rules, circumstances)


def still(statement: Statement, now_unix_ms: int, *, lockdown: bool) -> tuple[Reason, ...]:
    """What speaks against sending once the intent is durable: the rules that time changes while it is written."""
    reasons = []
    if now_unix_ms >= statement.expires_at_unix_ms + permit.SKEW_MS:
        reasons.append(Reason("permit.freshness", "the permit expired while the intent was written; sign a new one"))
    if lockdown:
        reasons.append(_LOCKDOWN)
    return tuple(reasons)


def _judge_content(statement: Statement, payload: Payload, rules: Rules, circumstances: Circumstances) -> Verdict:
    """The rules from ``destination`` on."""
    reasons: list[Reason] = []
    destination = rules.destinations.get((statement.provider, statement.model))
    clearance = destination.clearance if destination else Label()
    body = destination.encode(payload) if destination else b""
    if destination is None:
        reasons.append(Reason("destination", "this agent's configuration lists no such provider and model"))
    if not may_leave(statement.label, clearance):
        reasons.append(Reason("label", f"{statement.label} may not go to a provider cleared for {clearance}"))
    findings = _scan(payload, body, destination.wire_model if destination else "", rules.residual)
    left = rules.label_of(findings)
    if findings and not may_leave(left, clearance):
        what = ", ".join(sorted({finding.entity_type for finding in findings}))
        reasons.append(Reason("residual", f"the agent's own scan finds {what}, which makes it {left}"))
    if destination and len(body) > destination.body_bytes_max:
        limit = destination.body_bytes_max
        reasons.append(Reason("size", f"the request has {len(body)} bytes, the provider's limit is {limit}"))
    if circumstances.lockdown:
        reasons.append(_LOCKDOWN)
    return Verdict(
        reasons=tuple(reasons),
        statement=statement,
        destination=destination,
        findings=dict(Counter(finding.entity_type for finding in findings)),
        body=b"" if reasons else body,
    )


def _scan(payload: Payload, body: bytes, wire_model: str, residual: Residual) -> tuple[Finding, ...]:
    """The findings in every string of payload and body, each different string once."""
    texts = set(leaves(payload))
    if body:
        texts.update(json_leaves(body))
    texts -= {"", wire_model}
    return tuple(finding for text in sorted(texts) for finding in residual(text))
