"""What was learned of how good answers look: P(good | question, answer) of `learn.verifier`, asked of one."""

from __future__ import annotations

from collections.abc import Callable

from ringfenced.evaluate.case import FLAWLESS, Case, Evaluate, Opinion, question_of

Verify = Callable[[str, str], float]
"""Question and answer to the probability that the answer is good."""


def verified(verify: Verify) -> Evaluate:
    """An evaluator of what was learned; nothing to say of answers without text."""

    def evaluate(case: Case) -> Opinion | None:
        text = case.answer.text
        if not text.strip():
            return None
        good = verify(question_of(case.prompt), text)
        return FLAWLESS if good == 1 else Opinion(good, f"answers like it are good with a probability of {good:.2f}")

    return evaluate


def nothing_learned(_: Case) -> None:
    """Nothing to say, before anything was learned."""
