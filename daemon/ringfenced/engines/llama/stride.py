"""How much one step does: which running answers get a token, how much of which prompts is read. Pure.

Three rules, each with its reason:

- **Gaps.** What is read of prompts makes everybody who waits for a token wait longer: it is bounded by tokens and by
  the time that they are measured to take. While nobody waits for a token, twice as much: who comes next, or cancels,
  has to wait for the end of the step. And more, in proportion, where more wait for their first token than for a next
  one: larger pieces cost less a token, and the sooner many run, the more each reading of the weights does.
- **Shares.** On a processor a step takes the longer the more answers are in it, so that a department with one answer
  would be slowed down by one with many. It is not slowed down below its part of the machine: so many of the others'
  answers sit out a step, in turns, as keep the step short enough. On a GPU, where answers cost next to nothing, none
  does. What is read counts likewise.
- **Prompts.** Shares with prompts to read split what is read by weight, those without a running answer first. Within
  one, every other step is the oldest's, so that it never stops, and every other that of the one with least left, so
  that a short one does not wait for a long one. As few as can be in one step, and each to its end where little would
  be left: llama.cpp reads all weights once more for each length of a piece.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

READ_TOKENS_MIN = 16
"""Least that is read in a step: fewer cost nearly as much."""

SHORT_S = 0.005
"""What is read in less time than this, nobody notices."""

CROWD_MAX = 4.0
"""How many times as much is read in a step, at most, where more wait for a first token than for a next one."""

PART = 0.85
"""How much of the time in which a share would get its part a step may take: measures lag behind."""

_LEARNT = 0.1
"""Weight of what is measured anew."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A prompt that is being read."""

    share: bytes
    """Whose."""
    weight: int
    """Of that share."""
    left: int
    """Tokens still to read."""


class Stride:
    """What steps were measured to take, and what follows for the next one."""

    def __init__(self, *, step_tokens: int, batch_tokens: int, step_s: float) -> None:
        """Begin with nothing measured.

        Args:
            step_tokens: most tokens that are read in a step while answers run, unless they take less than `SHORT_S`.
            batch_tokens: most tokens in a step.
            step_s: most seconds of a step that are spent on reading, unless the least number of tokens takes longer.
        """
        self._step_tokens = step_tokens
        self._batch_tokens = batch_tokens
        self._step_s = step_s
        self._decode_s: dict[int, float] = {}
        self._read_s: float | None = None

    def note(self, running: int, read: int, seconds: float) -> None:
        """Take what a step took in which so many answers got a token and so many tokens were read."""
        if not read and running in self._decode_s:  # nearly always
            self._decode_s[running] += _LEARNT * (seconds - self._decode_s[running])
            return
        decode_s = self.decode_s(running) if running else 0.0
        read_s = read * self._read_s if self._read_s is not None else None
        if decode_s is None:
            if read and read_s is None:
                return
            decode_s = max(seconds - (read_s or 0.0), seconds / (running + read))
        elif read and read_s is None:
            read_s = max(seconds - decode_s, seconds / (running + read))
        else:  # what was not foreseen is put down to both in proportion
            off = 1 + _LEARNT * (seconds / (decode_s + (read_s or 0.0)) - 1)
            decode_s, read_s = decode_s * off, read_s * off if read_s is not None else None
        if running:
            self._decode_s[running] = decode_s
        if read and read_s is not None:
            self._read_s = read_s / read

    def decode_s(self, running: int) -> float | None:
        """Return what a step takes in which so many answers get a token; None where nothing near it was measured."""
        known = self._decode_s
        if running in known:
            return known[running]
        below = max((n for n in known if n < running), default=None)
        above = min((n for n in known if n > running), default=None)
        if below is None or above is None:
            return None
        part = (running - below) / (above - below)
        return known[below] + part * (known[above] - known[below])

    def expected_s(self, running: int, read: int) -> float | None:
        """Return what a step will take; None before anything like it was measured."""
        decode_s = self.decode_s(running) if running else 0.0
        if decode_s is None or (read and self._read_s is None):
            return None
        return decode_s + read * (self._read_s or 0.0)

    def reading(self, running: int, limit_s: float | None, readers: int = 1) -> int:
        """Return how many tokens may be read in a step.

        Args:
            running: how many answers get a token in it.
            limit_s: most seconds that reading may take for the sake of other shares; None for any.
            readers: how many prompts wait to be read; 1 where they are several shares'.
        """
        room = self._batch_tokens - running
        if self._read_s is None:
            return min(room, self._step_tokens)
        crowd = min(CROWD_MAX, max(1.0, readers / max(1, running)))
        step_tokens, step_s = self._step_tokens * crowd, self._step_s * crowd
        if not running:
            tokens = min(step_s / self._read_s, max(step_tokens, 2 * SHORT_S / self._read_s))
            return min(room, max(2 * READ_TOKENS_MIN, int(tokens)))
        tokens = min(step_tokens, max(step_s, self.decode_s(running) or 0.0) / self._read_s)
        tokens = max(tokens, SHORT_S / self._read_s)
        if limit_s is not None:
            return max(1, min(room, int(min(tokens, limit_s / self._read_s))))
        return min(room, max(READ_TOKENS_MIN, int(tokens)))

    def limit_s(self, running: Mapping[bytes, int], weights: Mapping[bytes, int]) -> float | None:
        """Return how long a step may take for every share that waits for tokens to get its part of the machine.

        Args:
            running: answers of each share that wait for a token.
            weights: weight of each share that has anything to do, those that only read included.

        Returns:
            Seconds; None where there is but one share, or nothing to go by.
        """
        if len(weights) < 2:  # noqa: PLR2004  # two are needed to disturb each other
            return None
        total = sum(weights.values())
        limits = []
        for share, count in running.items():
            alone_s = self.decode_s(count)
            if alone_s is not None:
                limits.append(alone_s * max(1.0, PART * total / weights[share]))
        return min(limits, default=None)

    def turns(
        self, running: Mapping[bytes, int], weights: Mapping[bytes, int], limit_s: float | None
    ) -> dict[bytes, int]:
        """Return how many answers of each share get a token in the next step; one of each at least.

        Args:
            running: answers of each share that wait for a token.
            weights: weight of each of these shares.
            limit_s: how long the step may take for that; None for any time.
        """
        total = sum(running.values())
        if limit_s is None or len(running) < 2:  # noqa: PLR2004  # alone there is nobody to wait for
            return dict(running)
        while total > len(running) and (self.decode_s(total) or 0.0) > limit_s:
            total -= 1
        return split(running, weights, total)


def split(wanted: Mapping[bytes, int], weights: Mapping[bytes, int], total: int) -> dict[bytes, int]:
    """Divide a whole number by weight among those who want some; nobody gets more than that, and nothing is left over
    that somebody wants. Where there is enough for it, each gets one at least.
    """  # noqa: D205  # one sentence
    given = dict.fromkeys(wanted, 0)
    open_ = {share: want for share, want in wanted.items() if want}
    rest = min(total, sum(wanted.values()))
    while rest and open_:
        weight = sum(weights[share] for share in open_)
        part = rest / weight
        for share in sorted(open_, key=lambda one: (open_[one] / weights[one], one)):
            more = min(open_[share], rest, max(1, int(part * weights[share])))
            given[share] += more
            rest -= more
            open_[share] -= more
        open_ = {share: want for share, want in open_.items() if want}
    return given


def divide(
    readers: Sequence[Reader],
    tokens: int,
    *,
    served: Container[bytes] = (),
    is_short_first: bool = False,
    least: int = 0,
    over: int = 0,
) -> list[int]:
    """Return how many tokens of each prompt are read.

    Args:
        readers: the prompts, the oldest first.
        tokens: how many altogether, at most.
        served: shares that get tokens in the same step already; those of the others are read first.
        is_short_first: whether it is the turn of the prompt of each share with least left, else of its oldest.
        least: of each prompt, where all of these are at most half of `tokens`.
        over: how many more may be read where that ends a prompt.
    """
    if 2 * least * len(readers) > tokens:
        least = 0
    given = [min(least, reader.left) for reader in readers]
    left = [reader.left - some for reader, some in zip(readers, given, strict=True)]
    parts = _parts(readers, left, tokens - sum(given), served)
    for share, part in parts.items():
        own = [place for place, reader in enumerate(readers) if reader.share == share]
        if is_short_first:
            own.sort(key=left.__getitem__)
        rest = part
        for place in own:
            if 2 * rest < part:  # what would hardly get on is another time's
                break
            more = min(rest, left[place])
            end = left[place] - more
            if 2 * end <= more and end <= over:
                over -= end
                more = left[place]
            given[place] += more
            rest -= more
    return given


def _parts(readers: Sequence[Reader], left: list[int], tokens: int, served: Container[bytes]) -> dict[bytes, int]:
    """Return how much is read for each share."""
    wanted: dict[bytes, int] = {}
    for reader, some in zip(readers, left, strict=True):
        wanted[reader.share] = wanted.get(reader.share, 0) + some
    weights = {reader.share: reader.weight for reader in readers}
    parts = split({share: want for share, want in wanted.items() if share not in served}, weights, tokens)
    rest = tokens - sum(parts.values())
    return parts | split({share: want for share, want in wanted.items() if share in served}, weights, rest)
