"""How sure a model was of its own answer, by the log-probabilities of its tokens.

The least one comes with every finish of an engine that gives any; those of all tokens where a request asks for them.
The tail is the mean of the tenth of the tokens that the model was least sure of: one slip stands out less there than in
the least and more than in the mean (bottom-10% confidence, Fu et al. 2025, "Deep Think with Confidence",
arXiv:2508.15260).
"""

from __future__ import annotations

from ringfenced.evaluate.case import FLAWLESS, Case, Evaluate, Opinion
from ringfenced.model import FinishReason

TAIL_SHARE = 0.1
"""Share of the tokens that the tail is made of; Fu et al. 2025 compare 10% and 50%."""


def confidence(least: float | None = None, mean: float | None = None, tail: float | None = None) -> Evaluate:
    """An evaluator with floors, natural log-probabilities of 0 or less; None for no such floor.

    Args:
        least: for the token that the model was least sure of.
        mean: for the mean of all tokens.
        tail: for the mean of the tenth that it was least sure of.

    Returns:
        1 where every floor is kept, else how near the answer came: floor divided by what was measured, the lowest of
        them. It has nothing to say where the target gave no log-probabilities.
    """
    floors = {"least": least, "mean": mean, "tail": tail}
    wanted = {name: floor for name, floor in floors.items() if floor is not None}

    def evaluate(case: Case) -> Opinion | None:
        measured = measures(case)
        judged = [(name, floor, measured[name]) for name, floor in wanted.items() if name in measured]
        if not judged:
            return None
        name, floor, value = min(judged, key=lambda one: _nearness(one[1], one[2]))
        if value >= floor:
            return FLAWLESS
        return Opinion(_nearness(floor, value), _TOLD[name].format(value=value, floor=floor))

    return evaluate


def filtered(case: Case) -> Opinion | None:
    """0 for an answer that its target filtered; nothing to say of others."""
    if case.finish.reason is FinishReason.CONTENT_FILTER:
        return Opinion(0.0, "the target filtered its answer")
    return None


def measures(case: Case) -> dict[str, float]:
    """What is known of the tokens' log-probabilities, by name."""
    each = sorted(case.answer.logprobs)
    least = each[0] if each else case.finish.usage.logprob_min
    known = {} if least is None else {"least": least}
    if each:
        tail = each[: max(1, int(len(each) * TAIL_SHARE))]
        known |= {"mean": sum(each) / len(each), "tail": sum(tail) / len(tail)}
    return known


def _nearness(floor: float, value: float) -> float:
    return 1.0 if value >= floor else min(1.0, floor / value)


_TOLD = {
    "least": "its least certain token had log-probability {value:.2f}, the floor is {floor:.2f}",
    "mean": "its tokens had a mean log-probability of {value:.2f}, the floor is {floor:.2f}",
    "tail": "the least certain tenth of its tokens had a mean log-probability of {value:.2f}, the floor is {floor:.2f}",
}
