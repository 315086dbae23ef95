"""Who judges answers on this site: evaluators are asked in turn, within their time, and never end a request.

One that is late counts as one that said nothing, so that its answer is given. Whose answers wait is therefore bounded:
departments share the threads that read long ones (`site.threads`), and a flood of one makes its own late.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Protocol

from ringfence.labels import Label, covers
from ringfenced.errors import NotFound
from ringfenced.evaluate import Case, Evaluate, Opinion, calls, confidence, schema
from ringfenced.inputs import Judging
from ringfenced.model import GOOD, Answer, Candidate, Read, Verdict
from ringfenced.schedule import claim
from ringfenced.site.threads import FairThreads
from ringfenced.way import Way

CHARS_ON_LOOP_MAX = 2048
"""Longest question and answer together that are judged on the loop, in code points: the dearest kind that reads, the
verifier, holds it for some 5 ms then (one core of a cloud server, 2026)."""
THREADS = 3
"""Threads for longer ones, of which a department holds two. More share one lock with the loop (see `site.scanning`)."""
S_PER_CHAR = 1e-6
"""What a kind that reads is expected to take for a code point of question and answer, in seconds: the verifier takes
5 ms for 5,000 (one core of a cloud server, 2026)."""


class Outcome(StrEnum):
    """How asking an evaluator ended, for the metrics."""

    GOOD = "good"
    SHORT = "short"
    SILENT = "silent"
    """It had nothing to say."""
    WITHHELD = "withheld"
    """The request's label is above what it is shown."""
    NOT_ASKED = "not_asked"
    """What it costs is not left of the request's hold, or its model is not for this request."""
    LATE = "late"
    FAILED = "failed"


class NotAskedError(Exception):
    """What an evaluator costs is not left of the request's hold, or its model is not for this request."""


class Asking(Protocol):
    """Judges an answer by asking somebody: a model, a process."""

    def cost_microcredits_max(self, way: Way, rung: Candidate) -> int:
        """What judging the rung's answer may cost at most, before there is one."""
        ...

    async def judge(self, case: Case, way: Way, rung: Candidate, seconds_max: float) -> Opinion | None:
        """Its opinion; None where it has none. What it costs is added to the way's cost, however it ends.

        Raises:
            NotAskedError: it would cost more than is left of the hold, or its model is not for this request.
            Exception: whatever goes wrong; the evaluator is passed over.
        """
        ...


@dataclass(frozen=True, slots=True)
class Judge:
    """One evaluator as it is asked."""

    name: str
    """Unique within the site."""
    how: Evaluate | Asking
    """A function that reads, or somebody who is asked."""
    least_score: float
    """An answer with a lower score falls short."""
    timeout_s: float
    """How long it may take, in seconds."""
    rank: int = 0
    """Place in the order in which evaluators are asked: the cheapest first."""
    is_paid: bool = False
    """Whether it costs the caller."""
    label_max: Label | None = None
    """Highest label that it is shown; None for any."""
    needs_logprobs: bool = False
    """Whether it goes by the log-probabilities of all tokens."""
    asks: Judging | None = None
    """What it asks of models, where it does; decisions count with that."""


FREE = (
    Judge("filter", confidence.filtered, 1.0, 1.0),
    Judge("schema", schema.evaluate, 1.0, 5.0),
    Judge("tools", calls.evaluate, 1.0, 5.0),
)
"""Who is always asked where an answer is judged."""
_ALWAYS = frozenset(judge.name for judge in FREE)


class SiteEvaluating:
    """Implements `nouns.Evaluating`; belongs to one loop."""

    def __init__(
        self,
        judges: Mapping[str, Judge],
        *,
        clock: Callable[[], float],
        count: Callable[[str, Outcome], None] = lambda _name, _outcome: None,
    ) -> None:
        """Wire.

        Args:
            judges: every evaluator of the site, by name.
            clock: monotonic seconds.
            count: told of each time that one was asked.
        """
        self._judges = judges
        self._asking = tuple(judge.asks for judge in judges.values() if judge.asks is not None)
        self._clock = clock
        self._count = count
        self._threads = FairThreads(THREADS, "judge")

    @property
    def judges(self) -> tuple[Judging, ...]:
        """What evaluators ask of models; the same value always."""
        return self._asking

    def check(self, names: Sequence[str]) -> None:
        """Pass if all are evaluators of this site.

        Raises:
            NotFound: with the nearest names.
        """
        unknown = next((name for name in names if name not in self._judges), None)
        if unknown is None:
            return
        near = tuple(difflib.get_close_matches(unknown, self._judges, n=3, cutoff=0.4)) or tuple(self._judges)[:3]
        raise NotFound(
            f"This site has no evaluator of that name. Nearest: {', '.join(near) or 'none, it has none'}.",
            reason="evaluator_unknown",
            suggestions=near,
            input_path="task.evaluators",
        )

    def needs_logprobs(self, way: Way, rung: Candidate) -> bool:
        """Whether somebody who judges the rung's answer goes by the log-probabilities of all its tokens."""
        return any(self._judges[name].needs_logprobs for name in self._named(way, rung))

    def cost_microcredits_max(self, way: Way) -> int:
        """What judging the answers of the decision's rungs may cost at most; the last one is judged for nothing."""
        assert way.decision is not None
        return sum(
            judge.how.cost_microcredits_max(way, rung)
            for rung in way.decision.ladder[:-1]
            for judge in map(self._judges.__getitem__, self._named(way, rung))
            if judge.is_paid and not callable(judge.how)
        )

    async def judge(
        self, way: Way, rung: Candidate, answer: Answer, *, seconds_max: float | None, is_last: bool
    ) -> Verdict:
        """What the rung's evaluators and the request's say, the cheapest first, up to the first that it fails."""
        assert way.finish is not None
        case = Case(way.request.prompt, answer, way.finish)
        until_s = None if seconds_max is None else self._clock() + seconds_max
        said: list[tuple[Judge, Opinion]] = []
        for judge in self._asked(way, rung, is_last=is_last):
            left_s = judge.timeout_s if until_s is None else min(judge.timeout_s, until_s - self._clock())
            opinion = await self._ask(judge, case, way, rung, left_s)
            if opinion is None:
                continue
            said.append((judge, opinion))
            if opinion.score < judge.least_score:
                break
        return _verdict(said)

    def close(self) -> None:
        """Ask nobody any more."""
        self._threads.close()

    def _named(self, way: Way, rung: Candidate) -> Iterator[str]:
        names = dict.fromkeys((*way.offers[rung.target].evaluators, *way.request.evaluators))
        return (name for name in names if name in self._judges)

    def _asked(self, way: Way, rung: Candidate, *, is_last: bool) -> list[Judge]:
        """Whom to ask, in order: those that are always asked, then those named, by rank."""
        floor = way.offers[rung.target].logprob_floor
        named = {name: self._judges[name] for name in self._named(way, rung)}
        judges = {judge.name: self._judges.get(judge.name, judge) for judge in FREE} | named
        if floor is not None and "logprobs" not in named:
            judges["logprobs"] = Judge("logprobs", confidence.confidence(least=floor), 1.0, 1.0)
        return sorted(
            (judge for judge in judges.values() if not (is_last and judge.is_paid)), key=lambda judge: judge.rank
        )

    async def _ask(self, judge: Judge, case: Case, way: Way, rung: Candidate, left_s: float) -> Opinion | None:
        """One evaluator's opinion; None where it has none, may not be asked, fails or is late."""
        opinion, outcome = None, Outcome.SILENT
        try:
            if not _may_see(judge, way):
                outcome = Outcome.WITHHELD
            elif left_s <= 0:
                outcome = Outcome.LATE
            elif callable(judge.how) and _is_short(case):
                opinion = _bounded(judge.how(case))
            else:
                async with asyncio.timeout(left_s):
                    opinion = _bounded(await self._opinion(judge, case, way, rung, left_s))
        except NotAskedError:
            outcome = Outcome.NOT_ASKED
        except TimeoutError:
            outcome = Outcome.LATE
        except Exception:  # noqa: BLE001 - whatever an evaluator does, the request goes on; its text may hold content
            outcome = Outcome.FAILED
        if opinion is not None:
            outcome = Outcome.GOOD if opinion.score >= judge.least_score else Outcome.SHORT
        if outcome is not Outcome.SILENT or judge.name not in _ALWAYS:
            self._count(judge.name, outcome)
        return opinion

    async def _opinion(self, judge: Judge, case: Case, way: Way, rung: Candidate, seconds_max: float) -> Opinion | None:
        how = judge.how
        if not callable(how):
            return await how.judge(case, way, rung, seconds_max)
        assert way.caller is not None
        claimed = claim(way.caller, way.request.priority)
        return await self._threads.run(partial(how, case), claimed, max(1, case.chars) * S_PER_CHAR)


class LogprobFloors(SiteEvaluating):
    """A site that names no evaluators: floors, schemas and tools alone."""

    def __init__(self) -> None:
        """Begin."""
        super().__init__({}, clock=lambda: 0.0)


def _is_short(case: Case) -> bool:
    """Whether it is judged on the loop: reading takes a moment, and following a schema may take longer."""
    return not (case.prompt.json_schema or case.prompt.tools) and case.chars <= CHARS_ON_LOOP_MAX


def _may_see(judge: Judge, way: Way) -> bool:
    assert way.classification is not None
    return judge.label_max is None or covers(judge.label_max, way.classification.label)


def _bounded(opinion: Opinion | None) -> Opinion | None:
    """An opinion with a score from 0 to 1; what is no number is none (every comparison with NaN is false)."""
    if opinion is None or 0 <= opinion.score <= 1:
        return opinion
    raise ValueError("an evaluator's score is from 0 to 1")


def _verdict(said: list[tuple[Judge, Opinion]]) -> Verdict:
    if not said:
        return GOOD
    judge, opinion = said[-1]
    is_good = opinion.score >= judge.least_score
    if is_good:
        judge, opinion = min(said, key=lambda one: one[1].score)
    return Verdict(
        good=is_good,
        score=opinion.score,
        evaluator=judge.name,
        reason="" if is_good else opinion.reason or "it scored too low",
        scores=tuple((one.name, its.score) for one, its in said),
        read=_read([its for _, its in said]),
    )


def _read(said: list[Opinion]) -> Read | None:
    """What was read of the answer, with what those say who were asked after that.

    Those asked before passed it, or it would not have been read: of them nothing can be learned.
    """
    place = next((place for place, opinion in enumerate(said) if opinion.read), None)
    if place is None:
        return None
    later = [opinion.score for opinion in said[place + 1 :] if not opinion.read]
    return Read(said[place].read, min(later, default=None))
