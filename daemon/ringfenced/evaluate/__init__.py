"""Judging answers: what can be said of one without asking anybody.

One module an evaluator, each a function from a `Case` to an `Opinion`, or None where it has nothing to say. They are
pure, linear in what they read and bounded, since what they read is not ours. Those that ask others (a model, a
process) are nouns: `ringfenced.site.evaluating`.
"""

from __future__ import annotations

from ringfenced.evaluate.case import AGREEMENT, FLAWLESS, Case, Evaluate, NotEvaluatedError, Opinion

__all__ = ["AGREEMENT", "FLAWLESS", "Case", "Evaluate", "NotEvaluatedError", "Opinion"]
