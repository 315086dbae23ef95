"""Why a request without a target was refused, as the error that its caller gets."""

from __future__ import annotations

from ringfenced.errors import ContextExceeded, DeadlineExceeded, Refused, RingfenceError, Unavailable, WalletEmpty
from ringfenced.model import Decision, Wallet


def demand_target(decision: Decision, wallet: Wallet) -> None:
    """Pass if the decision has a target.

    Raises:
        RingfenceError: it has none; of the kind that `refusal` says.
    """
    if not decision.ladder:
        raise refusal(decision, wallet)


def refusal(decision: Decision, wallet: Wallet) -> RingfenceError:
    """The error of a decision without a target, told by the rules that removed the targets."""
    rules = {candidate.rule for candidate in decision.refused}
    told = "; ".join(f"{candidate.target}: {candidate.reason}" for candidate in decision.refused)
    if "wallet" in rules and not rules & {"ceiling", "quality"}:
        needed = min(c.estimate.cost_microcredits_max for c in decision.refused if c.rule == "wallet")
        return WalletEmpty(
            f"The wallet of {wallet.department} has {wallet.available_microcredits} microcredits left and this request "
            f"needs {needed}. Ask for fewer tokens (tokens_max) or have the wallet filled.",
            step=3,
            decision=decision,
            numbers={
                "needed_microcredits": needed,
                "available_microcredits": wallet.available_microcredits,
                "granted_microcredits": wallet.granted_microcredits,
                "held_microcredits": wallet.held_microcredits,
            },
        )
    if "context" in rules and not rules & {"available", "wallet", "deadline", "ceiling"}:
        return ContextExceeded(f"The prompt is too long ({told}). Send less.", step=3, decision=decision)
    if "available" in rules:  # what is away may come back; every other rule stays
        return Unavailable(
            f"No target can take this request now ({told}). Try again in a second.",
            step=3,
            decision=decision,
            retry_after_ms=1000,
        )
    if "deadline" in rules and not rules & {"label", "permission", "quality", "ceiling"}:
        return DeadlineExceeded(
            f"No target is expected to answer in time ({told}). Give it more time.", step=3, decision=decision
        )
    return Refused(
        f"No target may take this request under {decision.label} ({told or 'this site has no targets'}).",
        step=3,
        decision=decision,
    )
