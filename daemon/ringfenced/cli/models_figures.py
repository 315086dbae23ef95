"""Figures of a round of requests. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer, as its caller saw it."""

    seconds: float
    """From the request to the end."""
    first_s: float | None
    """To the first piece of text; None where the answer had none."""
    prompt_tokens: int
    """By the engine's count."""
    completion_tokens: int
    """Likewise."""


@dataclass(frozen=True, slots=True)
class Round:
    """So many callers at once."""

    callers: int
    """How many."""
    requests: int
    """All together."""
    seconds: float
    """From the first request to the last answer's end."""
    prompt_tokens: int
    """All together."""
    completion_tokens: int
    """All together."""
    first_p50_s: float | None
    """Time to the first token, median; None where no answer had any."""
    first_p99_s: float | None
    """The same, 99th percentile."""
    request_p50_s: float
    """A whole request, median."""
    request_p99_s: float
    """The same, 99th percentile."""

    @property
    def tokens_per_s(self) -> float:
        """Tokens of all answers together, by the clock on the wall."""
        return self.completion_tokens / self.seconds if self.seconds > 0 else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the least value that `share` of all do not exceed.

    Args:
        values: at least one.
        share: over 0 and at most 1.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def round_of(callers: int, timed: Sequence[Timed], seconds: float) -> Round:
    """The figures of all answers of a round; there is at least one."""
    firsts = [one.first_s for one in timed if one.first_s is not None]
    whole = [one.seconds for one in timed]
    return Round(
        callers=callers,
        requests=len(timed),
        seconds=seconds,
        prompt_tokens=sum(one.prompt_tokens for one in timed),
        completion_tokens=sum(one.completion_tokens for one in timed),
        first_p50_s=percentile(firsts, 0.5) if firsts else None,
        first_p99_s=percentile(firsts, 0.99) if firsts else None,
        request_p50_s=percentile(whole, 0.5),
        request_p99_s=percentile(whole, 0.99),
    )
