"""What operators and auditors ask of the agent, and what it tells them."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.labels import Level


@dataclass(frozen=True, slots=True)
class LockdownFacts:
    """The emergency stop of egress, as the agent has it."""

    on: bool
    """Nothing leaves."""
    reason: str = ""
    """Why; empty while egress is allowed."""
    since_unix_ms: int = 0
    """Since when; 0 while egress is allowed."""
    by: tuple[str, ...] = ()
    """Pseudonyms of the operators who ordered what holds."""
    missing: int = 0
    """An order of the opposite waits for so many further operators; 0 when none waits."""
    waiting_by: tuple[str, ...] = ()
    """Pseudonyms of those who gave it so far."""
    waiting_until_unix_ms: int = 0
    """Until when it waits."""
    log_origin: str = ""
    """Name of the agent's log, which a signature names."""
    signatures_needed: bool = False
    """Lifting takes signatures of operators."""


@dataclass(frozen=True, slots=True)
class OperatorWord:
    """An operator's own word for a lift; the agent checks it."""

    operator: str = ""
    """Their name in the agent's configuration; empty where none was given."""
    signature: bytes = b""
    """By their own key (`ringfence.lift`)."""
    expires_at_unix_ms: int = 0
    """Until when it may be used."""


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """A provider's key that the agent read anew."""

    changed: bool
    """Whether it is another than before."""
    fingerprint: str
    """Keyed; it tells nothing of the key."""


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """Which entries of the egress log an auditor asks for."""

    from_index: int = 0
    """The first."""
    until_index: int = 0
    """One past the last; 0 to the end."""
    from_unix_ms: int = 0
    """When the first was written; 0 for no bound."""
    until_unix_ms: int = 0
    """0 for no bound."""
    department: str = ""
    """Exact; empty for all."""
    provider: str = ""
    """Exact; empty for all."""
    request_id: str = ""
    """Exact; empty for all."""
    caller_pseudonym: str = ""
    """Exact; empty for all."""
    level_min: Level | None = None
    """The lowest label, after de-identification; None for any, and for what bears none."""
    kind: str = ""
    """For example ``intent``, ``outcome`` or ``refusal``; empty for all."""
    model: str = ""
    """Exact; empty for all."""
    entries_max: int = 1000
    """At most so many."""
