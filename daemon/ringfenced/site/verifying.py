"""What was learned of answers, as evaluators ask it: the shipped verifier of a cheap model's answers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from ringfenced import learn
from ringfenced.evaluate.verified import Verify
from ringfenced.learn.answers import read_answer
from ringfenced.learn.outcome import BadState
from ringfenced.learn.verifier_prior import Prior

SHIPPED: Final = Path(learn.__file__).with_name("verifier.bin")
"""Its weights (models/routing/VERIFIER.md says where they are from)."""

_LOG = logging.getLogger("ringfenced")


def shipped_verify(path: Path = SHIPPED) -> Verify | None:
    """P(good | question, answer) by the shipped weights; None, which is told in the log, where they cannot be read."""
    try:
        verifier = Prior.from_bytes(path.read_bytes()).cheap
    except (OSError, BadState) as error:
        _LOG.error("verifier_unread", extra={"fields": {"problem": str(error)}})
        return None
    return lambda question, answer: verifier.judged(read_answer(question, answer))[0]
