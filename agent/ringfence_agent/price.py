"""What a send costs by the agent's own prices, so that a quota does not rest on the daemon's word. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_PER: Final = 1000
"""Prices are for so many tokens."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in millionths of a credit."""

    prompt_microcredits_per_1k_tokens: int
    """For what is sent."""
    completion_microcredits_per_1k_tokens: int
    """For what is generated."""
    completion_tokens_max: int
    """The longest answer of a request that names no limit of its own."""

    def most(self, body_bytes: int, tokens_max: int | None) -> int:
        """What a request can cost at most.

        Args:
            body_bytes: length of its body; a token of a byte-level vocabulary has at least one byte.
            tokens_max: its own limit on generated tokens; None for none.
        """
        return self.of(body_bytes, self.completion_tokens_max if tokens_max is None else tokens_max)

    def of(self, prompt_tokens: int, completion_tokens: int) -> int:
        """What was used costs, rounded up."""
        prompt = prompt_tokens * self.prompt_microcredits_per_1k_tokens
        completion = completion_tokens * self.completion_microcredits_per_1k_tokens
        return -(-(prompt + completion) // _PER)
