"""How fast an engine works, from what it has done, and what that lets a newcomer expect. Pure; times are arguments.

Work is counted in tokens of an answer; a token of a prompt that has to be read counts for `PROMPT_WORK` of one.
What was not measured yet is None, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable

PROMPT_WORK = 0.25
"""What reading a token costs beside making one: providers' price lists ask three to five times as much for the latter,
and a processor's measured cost lies about there too. On a GPU reading is cheaper still; the measured times correct what
a newcomer is told, not this."""

ANSWER_TOKENS_PRIOR = 256
"""Length of an answer that is expected before any was measured, where the request allows as much."""

_KEPT = 0.9
"""Weight of what was known when something new is measured: the last ten or so count."""


class _Ratio:
    """One sum over another, the older parts of both fading."""

    __slots__ = ("_over", "_under")

    def __init__(self) -> None:
        self._over = 0.0
        self._under = 0.0

    def add(self, over: float, under: float) -> None:
        self._over = self._over * _KEPT + over
        self._under = self._under * _KEPT + under

    @property
    def value(self) -> float | None:
        return self._over / self._under if self._under > 0 else None


class Pace:
    """The measured speeds of one engine."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self._first_s = _Ratio()
        self._read_s = _Ratio()
        self._token_s = _Ratio()
        self._work_s = _Ratio()
        self._work = _Ratio()
        self._answer_tokens = _Ratio()

    @property
    def first_token_s(self) -> float | None:
        """Seconds from a place to the first token, for an average prompt."""
        return self._first_s.value

    @property
    def token_s(self) -> float | None:
        """Seconds from one token to the next."""
        return self._token_s.value

    @property
    def work_s(self) -> float | None:
        """Seconds in its place that an answer takes for each unit of its work."""
        return self._work_s.value

    @property
    def work(self) -> float | None:
        """Work of an average answer."""
        return self._work.value

    def add_first_token(self, seconds: float, prompt_tokens: int) -> None:
        """Take the time from a place to the first token of a prompt, of which so many tokens had to be read."""
        self._first_s.add(seconds, 1)
        self._read_s.add(seconds, max(1, prompt_tokens))

    def add_tokens(self, seconds: float, tokens: int = 1) -> None:
        """Take the time that one stream took for its next tokens."""
        self._token_s.add(seconds, tokens)

    def add_answer(self, seconds: float, prompt_tokens: int, answer_tokens: int) -> None:
        """Take an answer that gave its place back, however it ended: what counts is how soon places come free.

        Args:
            seconds: how long it held its place.
            prompt_tokens: tokens of its prompt that were read.
            answer_tokens: tokens that were made.
        """
        work = work_of(prompt_tokens, answer_tokens)
        self._work_s.add(seconds, work)
        self._work.add(work, 1)
        self._answer_tokens.add(answer_tokens, 1)

    def expected_tokens(self, answer_tokens_max: int) -> float:
        """Return how long an answer is expected to be that may have so many tokens."""
        usual = self._answer_tokens.value
        return min(answer_tokens_max, ANSWER_TOKENS_PRIOR if usual is None else usual)

    def expected_first_token_s(self, prompt_tokens: int) -> float | None:
        """Return how long it will take from a place to the first token, with so many tokens to read."""
        read_s = self._read_s.value
        return None if read_s is None else read_s * max(1, prompt_tokens)


def work_of(prompt_tokens: float, answer_tokens: float) -> float:
    """Return the work of an answer; more than 0."""
    return max(1.0, PROMPT_WORK * prompt_tokens + answer_tokens)


def expected_wait_s(work_s: float, ahead: float, running_s: Iterable[tuple[float, float]]) -> float:
    """Return how long a newcomer will wait for a place where all are taken.

    The first place comes free when the nearest to its end of those that run has ended; from then on, the places
    together work off what stands before the newcomer.

    Args:
        work_s: seconds in its place that an answer takes for each unit of its work.
        ahead: work that will be begun before the newcomer's.
        running_s: of each that runs: its expected work, and for how many seconds it has held its place.
    """
    rests_s = [max(0.0, work * work_s - held_s) for work, held_s in running_s]
    if not rests_s:
        return 0.0
    return min(rests_s) + ahead * work_s / len(rests_s)
