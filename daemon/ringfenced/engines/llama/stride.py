"""How much one step does: which running answers get a token, how much of which prompts is read. Pure.

Three rules, each with its reason:

- **Gaps.** What is read of prompts makes everybody who waits for a token wait longer: it is bounded by tokens and by
  the time that they are measured to take. While nobody waits for a token, twice as much: who comes next, or cancels,
  has to wait for the end of the step. And more, in proportion, where more wait for their first token than for a next
  one: larger pieces cost less a token, and the sooner many run, the more each reading of the weights does.
- **Shares.** On a processor a step takes the longer the more answers are in it, so that a department with one answer
  would be slowed down by one with many. It is not slowed down below its part of the machine: the others sit out steps,
  until it has saved up the time for one with all of them. Together, since each part of a batch costs something for
  itself (`ringfenced.engines.llama.batcher.Batch.sort`). On a GPU, where answers cost next to nothing, none sits out.
  What is read counts likewise.
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

SHARED_S = 0.05
"""Seconds of a step that go into reading, at most, where there are several shares, and no more than its answers take:
who comes finds a step begun."""

SHORT_S = 0.005
"""What is read in less time than this, nobody notices."""

CROWD_MAX = 4.0
"""How many times as much is read in a step, at most, where more wait for a first token than for a next one."""

PART = 0.4
"""How much of what a share's part of the machine would let others take they get: measures lag behind, and a share that
has just come finds a step begun."""

_LEARNT = 0.1
"""Weight of what is measured anew."""

_LEARNT_SLOWER = 0.01
"""The same where a share's own step took longer than it did: among others all steps take longer, which is no reason to
let the others take more."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A prompt that is being read."""

    share: bytes
    """Whose."""
    weight: int
    """Of that share."""
    left: int
    """Tokens still to read."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is in a step."""

    shares: frozenset[bytes]
    """Those whose answers get a token."""
    read_s: float | None
    """Seconds that may go into reading for the sake of the shares that wait for tokens; None for any."""


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
        self._alone_s: dict[int, float] = {}
        """What a step with so many answers and nothing else takes where nothing disturbs it."""
        self._read_s: float | None = None
        self._saved_s = 0.0
        """Time that the share which steps each time can bear, saved up for the others' answers."""
        self._saved_read_s = 0.0
        """The same for reading."""
        self._turns = 0
        self._last: dict[bytes, int] = {}
        """The last turn in which each share stepped."""

    def note(self, running: int, read: int, seconds: float) -> None:
        """Take what a step took in which so many answers got a token and so many tokens were read."""
        if not read:
            alone_s = self._alone_s.get(running, seconds)
            learnt = _LEARNT if seconds < alone_s else _LEARNT_SLOWER
            self._alone_s[running] = alone_s + learnt * (seconds - alone_s)
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

    def reading(self, running: int, limit_s: float | None = None, *, readers: int = 1, is_shared: bool = False) -> int:
        """Return how many tokens may be read in a step.

        Args:
            running: how many answers get a token in it.
            limit_s: most seconds that reading may take for the sake of other shares; None for any. Where they do not
                suffice for the least that is worth it, nothing is read.
            readers: how many prompts wait to be read.
            is_shared: whether there were several shares lately.
        """
        room = self._batch_tokens - running
        if self._read_s is None:
            return min(room, self._step_tokens)
        crowd = 1.0 if is_shared else min(CROWD_MAX, max(1.0, readers / max(1, running)))
        step_tokens, step_s = self._step_tokens * crowd, self._step_s * crowd
        if not running:
            tokens = min(step_s / self._read_s, max(step_tokens, 2 * SHORT_S / self._read_s))
            return min(room, max(2 * READ_TOKENS_MIN, int(tokens)))
        decode_s = self.decode_s(running) or 0.0
        if is_shared:
            tokens = min(step_tokens, min(SHARED_S, decode_s or SHARED_S) / self._read_s)
        else:
            tokens = min(step_tokens, max(step_s, decode_s) / self._read_s)
            tokens = max(tokens, SHORT_S / self._read_s)
        tokens = max(READ_TOKENS_MIN, tokens)
        if limit_s is not None:
            tokens = min(tokens, limit_s / self._read_s)
            if tokens < READ_TOKENS_MIN:
                return 0
        return min(room, int(tokens))

    def turn(self, running: Mapping[bytes, int], weights: Mapping[bytes, int], *, is_reading: bool) -> Turn:
        """Return who gets a token in the next step, so that every share gets its part of the machine.

        The share that others would slow down most steps each time. What it can bear more than its own step is saved
        up, until it pays for a step with the others, all of them at once, and for reading.

        Args:
            running: answers of each share that wait for a token.
            weights: weight of each share that has anything to do, those that only read included.
            is_reading: whether there are prompts to read.
        """
        limits = self._limits(running, weights)
        if not limits:
            self._saved_s = self._saved_read_s = 0.0
            return Turn(frozenset(running), None)
        first = min(limits, key=lambda share: limits[share])
        alone_s = self._alone_s.get(running[first]) or self.decode_s(running[first]) or 0.0
        shares = self._company(first, running, limits)
        more_s = (self.decode_s(sum(running[share] for share in shares)) or 0.0) - alone_s
        parts = (len(shares) > 1) + is_reading
        gain_s = (limits[first] - alone_s) / max(1, parts)
        if len(shares) > 1:
            self._saved_s = min(self._saved_s, max(0.0, more_s)) + gain_s
            if self._saved_s < more_s:
                shares = frozenset((first,))
            else:
                self._saved_s -= max(0.0, more_s)
        if is_reading:
            most_s = max(self._step_s, alone_s, READ_TOKENS_MIN * (self._read_s or 0.0))
            self._saved_read_s = min(self._saved_read_s, most_s) + gain_s
        self._turns += 1
        self._last |= dict.fromkeys(shares, self._turns)
        return Turn(shares, self._saved_read_s)

    def read(self, tokens: int) -> None:
        """Take that so many tokens are read in a step, at the cost of what was saved up."""
        self._saved_read_s = max(0.0, self._saved_read_s - tokens * (self._read_s or 0.0))

    def _limits(self, running: Mapping[bytes, int], weights: Mapping[bytes, int]) -> dict[bytes, float]:
        """How long a step may take for each share that waits for tokens, in seconds; empty where there is but one."""
        if len(weights) < 2:  # noqa: PLR2004  # two are needed to disturb each other
            return {}
        total = sum(weights.values())
        return {
            share: alone_s * (1 + PART * (total / weights[share] - 1))
            for share, count in running.items()
            if (alone_s := self._alone_s.get(count) or self.decode_s(count)) is not None
        }

    def _company(self, first: bytes, running: Mapping[bytes, int], limits: Mapping[bytes, float]) -> frozenset[bytes]:
        """The share that steps each time, the one that has waited longest, and whoever bears more than that one."""
        self._last = {share: turn for share, turn in self._last.items() if share in running}
        others = [share for share in running if share != first]
        if not others:
            return frozenset((first,))
        longest = min(others, key=lambda share: self._last.get(share, 0))
        bears_s = limits.get(longest, float("inf"))
        return frozenset((first, longest, *(share for share in others if limits.get(share, 0.0) <= bears_s)))


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
