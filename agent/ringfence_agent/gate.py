"""The agent's judgement, pure: may this leave? The daemon is judged as if it were hostile.

    verify    the permit, and nothing else
    judge     what it was signed for, once the nonce is taken; may run in a thread of its own
    still     what time and operators change meanwhile: asked before the intent, and again once that is durable

The rules, in the order in which they are checked and their names stand in `Verdict.reasons`:

    permit.*      the permit holds (``ringfence.permit.verify`` names the part), and is used for the first time
                  (``permit.replayed``); without it nothing else is believed, so that the others are not looked at
    payload       the bytes are an EgressPayload with known fields only, all of it text or pictures that the site
                  approved, and the provider has words for it; nor without this
    destination   the provider is configured, and lists the model, for the payload's task
    label         the label may go there: never RESTRICTED, and within the provider's clearance
    residual      the agent's own scan, of every string of the payload, of what they say together, and of the exact body
                  that would be sent, finds nothing that the provider is not cleared for
    residual.together   nor does it in what the payload's texts say together with what left for this provider in the
                  last minute (`ringfence_agent.recent`); asked by the caller of `judge`, with `together`
    size          the body is no longer than the provider's limit
    policy        the agent's own Cedar policy permits it (`ringfence_agent.policy`); asked only where the rules above,
                  the floor that no policy can lower, have nothing against it
    quota.*       caller, department and provider have room (`ringfence_agent.quotas`); asked by the caller of `judge`
    lockdown      egress is not stopped

What the caller still owes: remembering the nonce, the quotas, the durable intent before anything is sent, `still`
before and after it, and sending `Verdict.body`, these bytes and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence import permit
from ringfence.labels import Label, may_leave
from ringfence.permit import Permit, PermitError, Statement
from ringfence.reasons import repeatable
from ringfence.recognize.finding import Finding
from ringfence.recognize.pictures import NOTHING_APPROVED, Approved
from ringfence_agent import documents, ends, joined
from ringfence_agent.decode import decode
from ringfence_agent.ends import Ends
from ringfence_agent.payload import Payload, PayloadError, known_leaves, leaves
from ringfence_agent.policy import Facts, Ruling
from ringfence_agent.price import Price

Residual = Callable[[str], Iterable[Finding]]
"""Text to what is left to find in it."""
LabelOf = Callable[[Iterable[Finding]], Label]
"""Findings to the label that they make."""
Policy = Callable[[Facts], Ruling]
"""What the agent's own policy says."""


class Reason(NamedTuple):
    """One rule that failed."""

    rule: str
    """Its name in the module's docstring."""
    message: str
    """What is wrong and what to do; no content."""


UNKNOWN: Final = "unknown"
"""Stands in the log for a provider and a model that the configuration does not list."""
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
    """The exact body for a payload; pure. PayloadError where the provider has no words for it."""
    price: Price | None = None
    """What it costs; None where the configuration does not say, and the daemon's estimate counts."""
    task: str = "chat"
    """What the model does: ``chat`` or ``embeddings``."""


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
    policy: Policy
    """What the agent's own policy says."""
    pictures: Approved = NOTHING_APPROVED
    """Digests of the pictures that may leave."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What may differ from one submission to the next."""

    now_unix_ms: int
    """The agent's clock."""
    used: Callable[[bytes], bool]
    """Whether a nonce was seen before."""


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
    policies: tuple[str, ...] = ()
    """Names of the policies that decided."""
    cost_microcredits_max: int = 0
    """What it may cost at most: the agent's own estimate, or the daemon's where that is higher or alone."""
    body: bytes = field(default=b"", repr=False)
    """The exact body; only with no reasons."""
    ends: Ends = field(default=Ends(), repr=False)
    """Where its texts may go on in another request."""


def verify(submission: Submission, rules: Rules, circumstances: Circumstances) -> Verdict:
    """Whether the permit holds; without reasons it does, and the verdict has its statement."""
    try:
        statement = permit.verify(submission.permit, rules.permit_keys, submission.payload, circumstances.now_unix_ms)
    except PermitError as error:
        return Verdict((Reason(f"permit.{error.rule}", str(error)),))
    if circumstances.used(statement.nonce):
        return Verdict((Reason("permit.replayed", "the permit was used before; sign a new one"),), statement)
    return Verdict((), statement)


def judge(statement: Statement, data: bytes, rules: Rules) -> Verdict:
    """The verdict on what a verified permit was signed for.

    Args:
        statement: what the permit says.
        data: serialised EgressPayload, the bytes that it was signed for.
        rules: what to judge by.
    """
    statement = replace(statement, decision_reason=repeatable(statement.decision_reason))
    destination = rules.destinations.get((statement.provider, statement.model))
    if destination is None:  # what nobody configured is anybody's text: the log does not repeat it
        statement = replace(statement, provider=UNKNOWN, model=UNKNOWN)
    try:
        payload = decode(data, rules.pictures)
        body = destination.encode(payload) if destination and destination.task == payload.task else b""
    except PayloadError as error:
        return Verdict((Reason("payload", str(error)),), statement)
    reasons: list[Reason] = []
    clearance = destination.clearance if destination else Label()
    if destination is None:
        reasons.append(Reason("destination", "this agent's configuration lists no such provider and model"))
    elif destination.task != payload.task:
        reasons.append(Reason("destination", f"the model is configured for {destination.task}, not {payload.task}"))
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
    verdict = Verdict(
        reasons=tuple(reasons),
        statement=statement,
        destination=destination,
        findings=dict(Counter(finding.entity_type for finding in findings)),
        cost_microcredits_max=_most(statement, payload, body, destination),
        ends=ends.of(payload),
    )
    return verdict if reasons else _ask_policy(replace(verdict, body=body), statement, payload, rules.policy)


def together(verdict: Verdict, texts: Iterable[str], rules: Rules) -> tuple[Reason, ...]:
    """What speaks against a payload for which nothing else does: `texts`, which it says only with what left before."""
    findings = tuple(finding for text in texts for finding in rules.residual(text))
    clearance = verdict.destination.clearance if verdict.destination else Label()
    if not findings or may_leave(rules.label_of(findings), clearance):
        return ()
    what = ", ".join(sorted({finding.entity_type for finding in findings}))
    return (Reason("residual.together", f"with what left before, the agent's own scan finds {what} in it"),)


def still(statement: Statement, now_unix_ms: int, *, lockdown: bool) -> tuple[Reason, ...]:
    """What speaks against sending by now: the rules that time and operators change."""
    reasons = []
    if now_unix_ms >= statement.expires_at_unix_ms + permit.SKEW_MS:
        reasons.append(Reason("permit.freshness", "the permit expired while it waited; sign a new one"))
    if lockdown:
        reasons.append(_LOCKDOWN)
    return tuple(reasons)


def _ask_policy(verdict: Verdict, statement: Statement, payload: Payload, policy: Policy) -> Verdict:
    """The verdict with the policy's word on it; without a body where that is no."""
    ruling = policy(
        Facts(
            caller=statement.caller_pseudonym,
            department=statement.department,
            provider=statement.provider,
            model=statement.model,
            label=statement.label,
            label_before=statement.label_before,
            findings=frozenset(verdict.findings),
            findings_before=frozenset(statement.findings_by_type),
            bytes_out=len(verdict.body),
            cost_microcredits_max=verdict.cost_microcredits_max,
            tools=bool(payload.tools),
            pictures=any(message.pictures for message in payload.messages),
        )
    )
    if ruling.allowed:
        return replace(verdict, policies=ruling.policies)
    if ruling.broken:
        why = "a policy of the agent cannot be evaluated for this request, which therefore stays; see its [policy] file"
    elif ruling.policies:
        why = f"the agent's policy forbids it: {', '.join(ruling.policies)}"
    else:
        why = "no policy of the agent permits it"
    return replace(verdict, reasons=(Reason("policy", why),), policies=ruling.policies, body=b"")


def _most(statement: Statement, payload: Payload, body: bytes, destination: Destination | None) -> int:
    """What it may cost at most."""
    tokens_max = 0 if payload.embedding_inputs else payload.sampling.tokens_max
    own = destination.price.most(len(body), tokens_max) if destination and destination.price else 0
    return max(statement.cost_microcredits_max, own)


def _scan(payload: Payload, body: bytes, wire_model: str, residual: Residual) -> tuple[Finding, ...]:
    """The findings in every string of payload and body, alone and read on into others, each different text once.

    The name on the wire (Google's API writes ``models/`` before it) and approved pictures are known, not scanned.
    """
    texts = {*leaves(payload), *joined.texts(payload)}
    if body:
        texts.update(documents.leaves(body))
    texts -= {"", wire_model, f"models/{wire_model}", *known_leaves(payload)}
    return tuple(finding for text in sorted(texts) for finding in residual(text))
