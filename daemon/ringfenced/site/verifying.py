"""What was learned of answers, as evaluators ask it: the site's own verifier, or the shipped one without that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ringfenced.evaluate.verified import Seen, Verify
from ringfenced.learn.answers import read_answer
from ringfenced.learn.answers_kept import coarsened, packed
from ringfenced.learn.outcome import BadState
from ringfenced.learn.verifier import Verifier
from ringfenced.learn.verifier_prior import SHIPPED, Prior

_LOG = logging.getLogger("ringfenced")


def verifying(current: Callable[[], Verifier | None], salt: bytes, path: Path = SHIPPED) -> Verify | None:
    """P(good | question, answer), with what was read; None, which is told in the log, without the shipped weights.

    What is returned may be called from several threads.

    Args:
        current: what was learned here, the newest there is; None where the shipped weights judge.
        salt: keys the hashing of words; empty where nothing is learned, and then nothing is kept of what is read.
        path: the shipped weights.
    """
    try:
        shipped = Prior.from_bytes(path.read_bytes()).cheap
    except (OSError, BadState) as error:
        _LOG.error("verifier_unread", extra={"fields": {"problem": str(error)}})
        return None

    def verify(question: str, answer: str) -> Seen:
        features = coarsened(read_answer(question, answer, salt=salt))
        good, _ = (current() or shipped).judged(features)
        return Seen(good, packed(features) if salt else b"")

    return verify
