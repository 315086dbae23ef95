"""The targets that were considered, as the decision tells them: each made when somebody reads it.

A site may have hundreds of targets, and most decisions are read for their ladder alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, overload

import numpy as np

from ringfence import reasons
from ringfenced.decide.choose import Choice
from ringfenced.decide.masks import OPEN
from ringfenced.decide.rules import FIRST_OF_ESTIMATE, NAMES, RULES, UNRULED, Removal, needs_deidentification
from ringfenced.decide.weigh import Weighed
from ringfenced.model import Candidate, Decision, Estimate, Target

_NO_ESTIMATE: Final = Estimate(0, 0, 0, 0.0, 0, 0)
"""What a rule is given that reads none."""


class Told(NamedTuple):
    """What is told of a target; its fields are those of `Candidate` and `Estimate`, flat."""

    target: Target
    cost_microcredits: int
    cost_microcredits_max: int
    latency_ms: int
    quality: float
    quality_uncertainty: float
    rule: str
    reason: str
    deidentified: bool
    policies: tuple[str, ...]


class Considered:
    """Tells of the targets of one decision."""

    def __init__(self, weighed: Weighed, choice: Choice) -> None:
        """Take what is told of."""
        self._weighed = weighed
        self._choice = choice
        self._taken = {rung.place: number for number, rung in enumerate(choice.rungs)}
        self.prompt_tokens = weighed.estimated.prompt_tokens
        self.completion_tokens = weighed.estimated.completion_tokens

    def taken(self) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
        """The rungs, and those that stand by for them.

        Each rung leaves the rungs above it the time that they are expected to take.
        """
        rungs = self._choice.rungs
        told = list(self._tell((*self._taken, *self._choice.fallbacks)))
        leave_ms = sum(rung.latency_ms for rung in rungs)
        ladder = []
        for rung, one in zip(rungs, told, strict=False):
            leave_ms -= rung.latency_ms
            ladder.append(self._candidate(one, chosen=True, leave_ms=leave_ms))
        return tuple(ladder), tuple(self._candidate(one, chosen=False) for one in told[len(rungs) :])

    def refused(self) -> tuple[Candidate, ...]:
        """All that are no rung: those that a rule removes, then those that are open, each in the offers' order."""
        return tuple(self._candidate(told, chosen=False) for told in self.told())

    def told(self) -> Iterator[Told]:
        """The same, flat: for who writes it down at once."""
        removed = self._weighed.removed
        still_open = [place for place in (removed == OPEN).nonzero()[0].tolist() if place not in self._taken]
        return self._tell([*removed.nonzero()[0].tolist(), *still_open])

    def count_refused(self) -> int:
        """How many those are."""
        return len(self._weighed.table) - len(self._taken)

    def rules(self) -> dict[str, str]:
        """Which rule kept each of them, by name of the target."""
        weighed = self._weighed
        rules = {}
        for place, (name, number) in enumerate(zip(weighed.table.names, weighed.removed.tolist(), strict=True)):
            if place not in self._taken:
                rules[name] = NAMES[number - 1] if number != OPEN else self._passed_over(place).rule
        return rules

    def _tell(self, places: Sequence[int]) -> Iterator[Told]:
        weighed = self._weighed
        estimated, inputs, offers = weighed.estimated, weighed.inputs, weighed.table.offers
        rows = np.array(places, np.int64)
        columns = (
            *(column[rows].tolist() for column in (estimated.cost, estimated.cost_max, estimated.latency_ms)),
            *(weighed.quality[rows].tolist(), weighed.removed[rows].tolist()),
        )
        for place, cost, cost_max, latency_ms, quality, number in zip(places, *columns, strict=True):
            offer, uncertainty = offers[place], float(inputs.rating.uncertainty[place])
            told = self._reason(place) if number == OPEN else None
            if told is None:
                numbers = (cost, cost_max, latency_ms, quality, self.prompt_tokens, self.completion_tokens)
                estimate = Estimate(*numbers) if number >= FIRST_OF_ESTIMATE else _NO_ESTIMATE
                told = RULES[number - 1](offer, estimate, inputs)
                assert told is not None, "the rule removes it, for so its mask says"
            ruling = inputs.rulings.by_target.get(offer.target, UNRULED)
            yield Told(
                *(offer.target, cost, cost_max, latency_ms, quality, uncertainty, told.rule, told.reason),
                needs_deidentification(offer, inputs.asked),
                ruling.policies,
            )

    def _reason(self, place: int) -> Removal:
        """Why an open target is taken, or not."""
        number = self._taken.get(place)
        return self._passed_over(place) if number is None else Removal("chosen", self._praise(number))

    def _praise(self, number: int) -> str:
        """Why a rung is taken."""
        if number > 0:
            return reasons.NEXT_RUNG
        if self._choice.explored:
            return reasons.TRIED
        inputs = self._weighed.inputs
        if self._choice.rungs[0].quality < inputs.asked.quality_min:
            return reasons.CHEAP_TO_TRY
        return reasons.WORTH_MOST if inputs.rating.good_answer_microcredits > 0 else reasons.CHEAPEST

    def _passed_over(self, place: int) -> Removal:
        """Why an open target is not taken."""
        inputs, names = self._weighed.inputs, self._weighed.table.names
        quality, least = self._weighed.quality.item(place), inputs.asked.quality_min
        if quality < least:
            return Removal("quality", f"expected quality {quality:.2f}, asked for {least:.2f}")
        if self._choice.explored and place == self._choice.preferred:
            return Removal("explore", f"{names[self._choice.rungs[0].place]} is tried this time, to learn of it")
        preferred = names[self._choice.preferred]
        if inputs.rating.good_answer_microcredits > 0:
            return Removal("cost", f"{preferred} is worth more for its cost, or sooner")
        return Removal("cost", f"{preferred} is cheaper or sooner")

    def _candidate(self, told: Told, *, chosen: bool, leave_ms: int = 0) -> Candidate:
        estimate = Estimate(
            *(told.cost_microcredits, told.cost_microcredits_max, told.latency_ms, told.quality),
            *(self.prompt_tokens, self.completion_tokens, told.quality_uncertainty),
        )
        rest = told.rule, told.reason, told.deidentified, leave_ms, told.policies
        return Candidate(told.target, estimate, chosen, *rest)


class Unread(Sequence[Candidate]):
    """The refused as a tuple that is made when it is first read; it compares, hashes and prints as any other."""

    __slots__ = ("_made", "considered")

    def __init__(self, considered: Considered) -> None:
        """Take who tells of them."""
        self.considered = considered
        self._made: tuple[Candidate, ...] | None = None

    def _read(self) -> tuple[Candidate, ...]:
        if self._made is None:
            self._made = self.considered.refused()
        return self._made

    def __len__(self) -> int:
        """How many; nothing is made for it."""
        return self.considered.count_refused()

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, index: int | slice) -> Candidate | tuple[Candidate, ...]:
        """One, or some."""
        return self._read()[index]

    def __iter__(self) -> Iterator[Candidate]:
        """Each in its order."""
        return iter(self._read())

    def __eq__(self, other: object) -> bool:
        """As a tuple."""
        return self._read() == (other._read() if isinstance(other, Unread) else other)

    def __hash__(self) -> int:
        """As a tuple."""
        return hash(self._read())

    def __repr__(self) -> str:
        """As a tuple."""
        return repr(self._read())


def rules_of(decision: Decision) -> dict[str, str]:
    """Which rule kept each refused target, by its name; no candidate is made for it."""
    if isinstance(decision.refused, Unread):
        return decision.refused.considered.rules()
    return {str(candidate.target): candidate.rule for candidate in decision.refused}
