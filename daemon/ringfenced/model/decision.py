"""Where a request may go: every target that was considered, and why it was taken or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringfence.labels import Label
from ringfenced.model.target import Target


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a target is expected to take and to give."""

    cost_microcredits: int
    """What it is expected to cost."""
    cost_microcredits_max: int
    """What it can cost at most: every byte a token, and the whole of the allowed answer."""
    latency_ms: int
    """Expected time to the whole answer."""
    quality: float
    """Expected quality, 0 to 1."""
    prompt_tokens: int
    """Expected tokens of the prompt."""
    completion_tokens: int
    """Expected tokens of the answer."""
    quality_uncertainty: float = 0.0
    """Standard deviation of `quality`; 0 where it is configured and nothing was learned."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that was considered."""

    target: Target
    """Where it runs."""
    estimate: Estimate
    """What it is expected to take and to give."""
    chosen: bool
    """It is a rung of the ladder."""
    rule: str
    """The rule that took or removed it; see `ringfenced.decide.rules`."""
    reason: str
    """The same for people; no content."""
    deidentified: bool
    """The payload must be de-identified on its way there."""
    leave_ms: int = 0
    """Of the time left, what this rung must leave for the rungs above it."""
    policies: tuple[str, ...] = ()
    """Names of the site's policies that decided; empty where none did."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The target chosen, every target refused, and the reason of each."""

    label: Label
    """The label that it was made for."""
    ladder: tuple[Candidate, ...]
    """Rungs in order; empty when no target is open."""
    refused: Sequence[Candidate]
    """Every other target, each once; it may be made when it is read."""
    policy_digest: str
    """SHA-256 of the policy in force, hex."""
    fallbacks: tuple[Candidate, ...] = ()
    """Open targets that may take the place of a rung that gives no answer at all, in order; they are among `refused` as
    well. Each keeps to ceiling and wallet by itself."""
    expected: Estimate | None = None
    """The whole ladder's expected cost, time and quality, escalations weighed by how likely they are; None without."""
    propensity: float = 1.0
    """How likely this first rung was, exploration considered."""
    explored: bool = False
    """The first rung was taken to learn of it."""

    @property
    def target(self) -> Target | None:
        """The first rung's target."""
        return self.ladder[0].target if self.ladder else None

    def cost_microcredits_max(self) -> int:
        """What the whole ladder may cost: the amount to hold."""
        return sum(candidate.estimate.cost_microcredits_max for candidate in self.ladder)
