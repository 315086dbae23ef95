"""Step 6: whether an answer is good enough, or the next rung is worth its cost."""

from __future__ import annotations

from ringfenced.model import Finish, FinishReason, Offer


def falls_short(finish: Finish, offer: Offer) -> str | None:
    """Why an answer falls short; None if it does not.

    Args:
        finish: how the run ended.
        offer: the target that ran, with its evaluator's floor.

    An answer whose least certain token lies under the floor is unsure of itself; an answer that was cut off at the
    token limit says nothing about its quality and passes.
    """
    floor = offer.logprob_floor
    lowest = finish.usage.logprob_min
    if finish.reason is FinishReason.CONTENT_FILTER:
        return "the target filtered its answer"
    if floor is None or lowest is None or lowest >= floor:
        return None
    return f"its least certain token had log-probability {lowest:.2f}, the floor is {floor:.2f}"
