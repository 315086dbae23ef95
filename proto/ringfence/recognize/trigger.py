"""A trigger: one expression of the hyperscan database and the second look at its matches."""

from __future__ import annotations

from typing import NamedTuple

import hyperscan

from ringfence.recognize.policy import Policy
from ringfence.recognize.span import Look

SOM = hyperscan.HS_FLAG_SOM_LEFTMOST
"""Asks hyperscan for the start of the match, which costs more than its end alone."""
ANYCASE = hyperscan.HS_FLAG_CASELESS
"""Upper and lower case are the same (ASCII; folded text has no other letters)."""
MULTILINE = hyperscan.HS_FLAG_MULTILINE
"""``^`` and ``$`` stand at every line's ends."""


class Trigger(NamedTuple):
    """One expression and what looks at its matches.

    A trigger is cheap and a little too wide; its look decides. One without `SOM` is looked at from its end.
    """

    name: str
    """Says what it is for; unique."""
    expression: str
    """Hyperscan's syntax, over folded bytes."""
    flags: int
    """Hyperscan's flags."""
    look: Look
    """The second look."""
    is_last_resort: bool = False
    """Looked at only where nothing else was found."""
    finds: frozenset[str] = frozenset()
    """Entity types that it finds, where a policy may do without all of them; empty for always compiled."""
    locales: frozenset[str] = frozenset()
    """Countries whose numbers it finds; empty for all."""

    def serves(self, policy: Policy) -> bool:
        """Whether `policy` can use what this finds."""
        return (not self.finds or any(map(policy.wants, self.finds))) and (
            not self.locales or not self.locales.isdisjoint(policy.locales)
        )


def label(alternatives: str) -> str:
    """The expression for any of `alternatives` as whole words."""
    return rf"\b(?:{alternatives})\b"
