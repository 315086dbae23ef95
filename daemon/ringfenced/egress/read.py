"""What the agent says, read: the models that it offers, and what an entry of its log tells of a permit. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ringfence.labels import Label
from ringfence.permit import Permit
from ringfence.tls import CONNECTION_KEY
from ringfence.v1 import egress_pb2
from ringfence.wire import label_from
from ringfenced.model import LockdownFacts

SPENT_MS_MAX: Final = 3_600_000
"""An agent that knows of a longer wait is asked again every second anyway."""
_SPENT: Final = frozenset({"requests", "tokens", "quota"})
_CONNECTION_CHARS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class ProviderModel:
    """One model of a provider, as the agent's configuration has it."""

    provider: str
    """The provider's name."""
    model: str
    """The model's name."""
    region: str
    """Where it runs."""
    clearance: Label
    """Highest label that may go there."""
    contract: str
    """What was agreed with the provider."""
    available: bool
    """Not locked down, and the agent does not leave the provider alone."""
    unavailable_reason: str = ""
    """Why it is not: ``lockdown``, ``log``, ``breaker``; empty where it is."""
    spent_of: str = ""
    """What of it is used up for now: ``requests``, ``tokens`` or ``quota``; empty for nothing."""
    spent_ms: int = 0
    """For how long, in milliseconds from when the agent told."""


def offer_from(model: egress_pb2.ProviderModel, *, trusted: bool) -> ProviderModel:
    """One model of a provider; available only where the agent is trusted to let anything out. WireError where none."""
    return ProviderModel(
        provider=model.provider,
        model=model.model,
        region=model.region,
        clearance=label_from(model.clearance),
        contract=model.contract,
        available=model.available and trusted,
        unavailable_reason=model.unavailable_reason,
        spent_of=model.spent_of if model.spent_of in _SPENT else "",
        spent_ms=min(model.spent_ms, SPENT_MS_MAX),
    )


def lockdown_from(standing: egress_pb2.LockdownStanding) -> LockdownFacts:
    """The emergency stop as the agent has it."""
    return LockdownFacts(
        on=standing.on,
        reason=standing.reason,
        since_unix_ms=standing.since_unix_ms,
        by=tuple(standing.by_pseudonyms),
        missing=standing.confirmations_missing,
        waiting_by=tuple(standing.waiting_by_pseudonyms),
        waiting_until_unix_ms=standing.waiting_until_unix_ms,
        log_origin=standing.log_origin,
        signatures_needed=standing.signatures_needed,
    )


def connection_from(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """What the agent tells of the connection's handshake; empty where it tells nothing.

    gRPC tells a client nothing of it. Both ends of a handshake have the same one, and an agent that lies about it could
    as well hand on what it is sent.
    """
    told = [value for key, value in metadata or () if key == CONNECTION_KEY]
    return told[0][:_CONNECTION_CHARS_MAX] if len(told) == 1 and isinstance(told[0], str) else ""


def weakness(connection: str, groups: frozenset[str]) -> str:
    """What the connection to the agent lacks, and what to do; empty for nothing."""
    version, _, group = connection.partition(", ")
    if version == "TLS 1.3" and group in groups:
        return ""
    return (
        f"the connection to the agent settled on {connection or 'nothing that the agent tells'}, and "
        f"agent.key_exchange_groups allows {', '.join(sorted(groups))}"
    )


def tells(entry: bytes, signed: Permit) -> str:
    """What an entry tells about a permit: its kind, ``withdrawal`` for an intent that came to nothing, or nothing."""
    try:
        record = json.loads(entry)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(record, dict) or record.get("permit_sha256") != hashlib.sha256(signed.statement).hexdigest():
        return ""
    if record.get("outcome") == "cancelled" and record.get("reasons") == ["before_sending"]:
        return "withdrawal"
    return str(record.get("kind"))
