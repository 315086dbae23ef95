"""What the evaluators say of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of an answer, to learn from it how good ones look; no text."""

    features: bytes = field(repr=False)
    """Numbers of its form and keyed hashes, as they are kept (`learn.answers_kept`)."""
    beside: float | None = None
    """The least that evaluators who were asked after it was read say, 0 to 1; None where none said anything."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evaluators of a rung's answer say."""

    good: bool
    """It is good enough to be given."""
    score: float
    """How good, 0 to 1: what the one said that it falls short of, else the least of what they said."""
    evaluator: str = ""
    """Whose word that is; empty where nobody had anything to say."""
    reason: str = ""
    """Why it falls short, for people; no content. Empty where it does not."""
    scores: tuple[tuple[str, float], ...] = ()
    """What each evaluator said, in the order in which they were asked."""
    read: Read | None = None
    """What was read of the answer; None where the learned verifier was not asked, or nothing is learned."""


GOOD = Verdict(good=True, score=1.0)
"""The verdict on an answer that nobody judges."""
