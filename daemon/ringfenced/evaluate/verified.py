"""What was learned of how good answers look: P(good | question, answer) of `learn.verifier`, asked of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ringfenced.evaluate.case import Case, Evaluate, Opinion, question_of


class Seen(NamedTuple):
    """What the verifier makes of an answer."""

    good: float
    """The probability that it is good, 0 to 1."""
    read: bytes = b""
    """What was read of it, to learn from it (`model.Read.features`); empty where nothing is learned."""


Verify = Callable[[str, str], Seen]
"""Question and answer to what the verifier makes of them."""


def verified(verify: Verify) -> Evaluate:
    """An evaluator of what was learned; nothing to say of answers without text."""

    def evaluate(case: Case) -> Opinion | None:
        text = case.answer.text
        if not text.strip():
            return None
        good, read = verify(question_of(case.prompt), text)
        reason = "" if good == 1 else f"answers like it are good with a probability of {good:.2f}"
        return Opinion(good, reason, read)

    return evaluate


def nothing_learned(_: Case) -> None:
    """Nothing to say, before anything was learned."""
