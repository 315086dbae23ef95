"""What leaves the site: what its permit says, and the proof that it was logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.labels import PUBLIC, Label
from ringfenced.model.answer import Finish


@dataclass(frozen=True, slots=True)
class Terms:
    """What a release permit says besides the payload."""

    provider: str
    """Where the payload may go."""
    model: str
    """The model's name at the provider's target, as the agent's configuration lists it."""
    caller_pseudonym: str
    """Keyed hash of the caller's identity; the agent never learns the identity."""
    department: str
    """Whose wallet pays."""
    request_id: str
    """The request that it is part of."""
    findings_by_type: Mapping[str, int]
    """What was found before de-identification."""
    decision_reason: str
    """Why it goes there, for people; no content."""
    cost_microcredits_max: int
    """What it can cost at most."""
    label_before: Label = PUBLIC
    """What the request was labelled, earlier turns included; joined with what de-identification found by itself."""


@dataclass(frozen=True, slots=True)
class EntryProof:
    """One log entry with the proof that the log holds it."""

    entry: bytes
    """Canonical JSON, the exact bytes of the Merkle leaf; no content."""
    index: int
    """Its place in the log, from 0."""
    inclusion_path: tuple[bytes, ...]
    """RFC 6962, 32 bytes each, leaf to root."""
    checkpoint: str
    """C2SP signed checkpoint that the path leads to."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a provider's run ends with, and the proofs of what left."""

    finish: Finish
    """How the run ended."""
    proofs: tuple[EntryProof, ...]
    """One for each log entry of what left."""
