"""How fast a target is, from what it has done: a line for its first token, a pace for every further one. Pure.

    time to the first token = first_token_ms + prompt_token_ms * tokens of the prompt that were read

The line is Theil's, by his incomplete method: of the answers by length of their prompts, each of the shorter half is
paired with one of the longer half; the slope is the median of theirs, and the rest the median of what is left (Theil,
"A Rank-Invariant Method of Linear and Polynomial Regression Analysis", 1950). A few answers that took far too long, or
that a cache gave at once, do not move it. What is older than `AGE_S_MAX` is forgotten, so that a target that nobody
asked for a while is expected to be what is configured, and is asked again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import median
from typing import Final

from ringfenced.model import Speed

KEPT: Final = 24
"""Answers that count: enough for a line, few enough that a change shows after a dozen."""
ENOUGH: Final = 6
"""With fewer, what is configured counts."""
AGE_S_MAX: Final = 600.0
"""How long an answer counts, in seconds."""
STEP_TOKENS: Final = 16
"""Prompts that differ by fewer tokens say nothing of a slope."""

_PROMPT_TOKENS: Final = attrgetter("prompt_tokens")


@dataclass(frozen=True, slots=True)
class Observed:
    """What one answer showed."""

    prompt_tokens: int
    """Tokens of its prompt that had to be read."""
    first_ms: float
    """To its first token, in milliseconds, waiting for a place not included."""
    token_ms: float | None
    """For each further token; None where there were too few."""
    at_s: float
    """When it ended, in monotonic seconds."""


class Latency:
    """What is known of one target."""

    def __init__(self, *, prompt_token_ms: float, token_ms: float) -> None:
        """Begin with nothing measured.

        Args:
            prompt_token_ms: the slope as configured, where prompts are too alike to tell one.
            token_ms: the pace as configured, where answers are too short to tell one.
        """
        self._prompt_token_ms = prompt_token_ms
        self._token_ms = token_ms
        self._seen: deque[Observed] = deque(maxlen=KEPT)
        self._is_known = False
        self._measured: Speed | None = None

    def add(self, observed: Observed) -> None:
        """Take one more answer."""
        self._seen.append(observed)
        self._is_known = False

    def measured(self, now_s: float) -> Speed | None:
        """What it is expected to take; None where too little is known."""
        while self._seen and now_s - self._seen[0].at_s > AGE_S_MAX:
            self._seen.popleft()
            self._is_known = False
        if not self._is_known:
            self._measured, self._is_known = self._fit(), True
        return self._measured

    def _fit(self) -> Speed | None:
        if len(self._seen) < ENOUGH:
            return None
        slope = _slope(self._seen)
        if slope is None:
            slope = self._prompt_token_ms
        rest = median(one.first_ms - slope * one.prompt_tokens for one in self._seen)
        if rest < 0:  # a line through the origin: no prompt is read in less than no time
            rest, slope = 0.0, median(one.first_ms / max(1, one.prompt_tokens) for one in self._seen)
        paces = [one.token_ms for one in self._seen if one.token_ms is not None]
        return Speed(rest, slope, median(paces) if paces else self._token_ms, len(self._seen))


def _slope(seen: Sequence[Observed]) -> float | None:
    """Milliseconds for each token of a prompt, never under 0; None where prompts are too alike."""
    ordered = sorted(seen, key=_PROMPT_TOKENS)
    half = len(ordered) // 2
    slopes = [
        (two.first_ms - one.first_ms) / (two.prompt_tokens - one.prompt_tokens)
        for one, two in zip(ordered[:half], ordered[-half:], strict=True)
        if two.prompt_tokens - one.prompt_tokens >= STEP_TOKENS
    ]
    return max(0.0, median(slopes)) if len(slopes) >= ENOUGH // 2 else None
