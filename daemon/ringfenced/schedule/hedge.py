"""Which second local model may be started for a request whose first token is late. Pure.

Hedging pays twice to be sooner (Dean and Barroso, "The Tail at Scale", CACM 56, 2013), so that both must fit: into the
caller's ceiling, the policy's, and the wallet; what both may cost is held before the first begins. Only models on site
are hedged, and only by models on site: what leaves, leaves once.
"""

from __future__ import annotations

from ringfenced.inputs import Inputs
from ringfenced.model import Candidate, Decision, Priority, TargetKind


def hedge_of(inputs: Inputs, decision: Decision, held_microcredits: int) -> Candidate | None:
    """The target that may be started beside the first rung; None for none.

    Args:
        inputs: what was decided on.
        decision: what came of it; only what it left open is considered.
        held_microcredits: what is held without a hedge.
    """
    asked = inputs.asked
    if not decision.ladder or asked.priority is not Priority.INTERACTIVE or asked.inputs != 1:
        return None
    first = decision.ladder[0].target
    if first.kind is not TargetKind.LOCAL or not asked.tokens_max:  # texts to embed: vectors of two models differ
        return None
    limits = (asked.permission.cost_microcredits_max, inputs.rulings.cost_microcredits_max)
    most = min([inputs.circumstances.wallet_microcredits, *(one for one in limits if one is not None)])
    return next(
        (
            other
            for other in decision.fallbacks
            if other.target.kind is TargetKind.LOCAL
            and other.target != first
            and held_microcredits + other.estimate.cost_microcredits_max <= most
        ),
        None,
    )
