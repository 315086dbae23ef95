"""Who takes the place of a rung that gave no answer at all. Pure.

Only targets that the decision left open may: the set is fixed in step 3 and gets smaller here (DESIGN.md, invariant 8).
What stands in must also keep to the ceiling, fit into the time that is left, and not be closed by now. What it may cost
beyond what is held is held as well before it begins; where the wallet has no more, only what fits may stand in.

| the rung ended because | who may stand in |
|---|---|
| target unreachable, limited, overloaded, late, failed; an engine died | any |
| the label, the agent or the clearance refused it; the way out is closed | targets on site |
| the prompt is longer than its context | targets with a longer one |
| the caller reads too slowly | none: it is not the target's fault |

Texts that were to be embedded are embedded by a model of the same name or not at all: vectors of two models cannot be
compared, and a caller's index would not notice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ringfenced.errors import (
    ContextExceeded,
    DeadlineExceeded,
    Overloaded,
    Refused,
    RingfenceError,
    Unavailable,
)
from ringfenced.model import Candidate, Offer, Target, TargetKind

NO_ANSWER: Final = (Unavailable, Refused, Overloaded, ContextExceeded, DeadlineExceeded)
"""What a rung ends with that gave no answer; anything else ends the request."""

_WAY_OUT: Final = frozenset({"lockdown", "ledger_failed", "witness_failed", "egress_unproven", "no_agent"})
"""Reasons that close every provider, besides those of the agent (``agent_...``), its quotas apart."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is left for whoever stands in."""

    microcredits: int | None
    """Less what is owed and what the rungs above may cost; None for no limit."""
    ms: float | None
    """Of the time, less what the rungs above need; None for no limit."""


def stand_in(
    failed: Candidate,
    error: RingfenceError,
    fallbacks: Iterable[Candidate],
    *,
    tried: Collection[Target],
    offers: Mapping[Target, Offer],
    closed: Collection[Target],
    left: Left,
    embeds: bool,
) -> Candidate | None:
    """The first of `fallbacks` that may take the place of a rung; None where none may.

    Args:
        failed: the rung.
        error: what it ended with.
        fallbacks: what the decision left open for this, in order.
        tried: targets that ran already, or were to.
        offers: what each target offered when it was decided.
        closed: targets that are closed by now.
        left: of money and time.
        embeds: texts are embedded.

    The caller owes that nothing of an answer was seen.
    """
    for candidate in fallbacks:
        target, estimate = candidate.target, candidate.estimate
        if target in tried or target in closed or not _may_follow(failed, error, candidate, offers):
            continue
        if embeds and target.model != failed.target.model:
            continue
        if left.microcredits is not None and estimate.cost_microcredits_max > left.microcredits:
            continue
        if left.ms is not None and estimate.latency_ms > left.ms:
            continue
        return candidate
    return None


def _may_follow(failed: Candidate, error: RingfenceError, candidate: Candidate, offers: Mapping[Target, Offer]) -> bool:
    """Whether a target may be tried after that error."""
    if error.reason == "slow_reader":
        return False
    if isinstance(error, ContextExceeded):
        return offers[candidate.target].context_tokens_max > offers[failed.target].context_tokens_max
    if isinstance(error, Refused) or _closes_the_way_out(error.reason):
        return candidate.target.kind is not TargetKind.PROVIDER
    return True


def _closes_the_way_out(reason: str) -> bool:
    return reason in _WAY_OUT or (reason.startswith("agent_") and reason != "agent_quota")
