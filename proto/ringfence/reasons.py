"""Why the daemon chose a target, in the words that the egress log may repeat.

A permit says why in a sentence. The agent repeats those sentences alone, and ``other`` for every other one, so that the
daemon's reason is no place to put text. A new reason is added here, and an agent that does not know it yet still sends.
"""

from __future__ import annotations

from typing import Final

NEXT_RUNG: Final = "next rung, if the one before falls short"
CHEAP_TO_TRY: Final = "cheap to try; its answer is evaluated"
CHEAPEST: Final = "the cheapest that is allowed, good enough and in time"
WORTH_MOST: Final = "worth most for its cost, of those that are allowed, good enough and in time"
TRIED: Final = "tried this time, to learn of it"
STANDS_IN: Final = "in place of another that gave no answer"
OTHER: Final = "other"

REASONS: Final = frozenset({NEXT_RUNG, CHEAP_TO_TRY, CHEAPEST, WORTH_MOST, TRIED, STANDS_IN})


def repeatable(reason: str) -> str:
    """The reason, if it is one of `REASONS`; empty for none, and ``other`` for any other text."""
    return reason if not reason or reason in REASONS else OTHER
