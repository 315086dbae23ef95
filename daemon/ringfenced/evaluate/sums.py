"""Whether the calculations and conversions that an answer shows are right."""

from __future__ import annotations

from ringfenced.evaluate.arithmetic import check
from ringfenced.evaluate.case import FLAWLESS, Case, Opinion


def evaluate(case: Case) -> Opinion | None:
    """The share of the calculations that are right; nothing to say where there is none."""
    checked = check(case.answer.text)
    if not checked.calculations:
        return None
    wrong = len(checked.wrong)
    if not wrong:
        return FLAWLESS
    return Opinion(1 - wrong / checked.calculations, f"{wrong} of {checked.calculations} calculations are wrong")
