"""What a caller sees of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfenced.model.answer import Finish, TextDelta, ToolCallDelta, Vectors
from ringfenced.model.decision import Decision
from ringfenced.model.egress import EntryProof
from ringfenced.model.target import Target
from ringfenced.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Escalation:
    """An evaluator found an answer wanting, or a target gave none; another follows."""

    source: Target
    """Whose answer is void."""
    destination: Target
    """What follows."""
    reason: str
    """Why, for people; no content."""


@dataclass(frozen=True, slots=True)
class Loading:
    """A local model is being loaded for a request, which goes on once it is."""

    target: Target
    """The model."""
    progress: float
    """0 to 1, as far as it is known."""
    stage: str
    """What is being done, for people."""
    left_ms: int | None = None
    """Until it is expected to be ready; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the caller gets with an answer."""

    request_id: str
    """The request's."""
    decision: Decision
    """The one that it ran by."""
    cost_microcredits: int
    """What is booked for it."""
    egress: tuple[EntryProof, ...]
    """One entry for each thing that left the site."""
    findings_by_type: Mapping[str, int]
    """How often each entity type was found in the request."""
    finished_at_unix_ms: int
    """When it ended."""
    ran: tuple[Target, ...]
    """Targets that ran; the last one gave the answer."""
    verdicts: tuple[tuple[Target, Verdict], ...] = ()
    """What was said of each rung's answer, in order."""


Event = Decision | Loading | TextDelta | ToolCallDelta | Vectors | Escalation | Finish | Receipt
"""What a caller sees, in this order: decision, perhaps loading, deltas or vectors, finish, receipt."""
