"""The targets that were considered, as the decision tells them: each made when somebody reads it.

A site may have hundreds of targets, and most decisions are read for their ladder alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from ringfence import reasons
from ringfenced.decide.choose import Choice
from ringfenced.decide.masks import OPEN
from ringfenced.decide.rules import RULES, UNRULED, Removal, needs_deidentification
from ringfenced.decide.weigh import Weighed
from ringfenced.model import Candidate, Estimate


class Considered:
    """Makes the candidates of one decision."""

    def __init__(self, weighed: Weighed, choice: Choice) -> None:
        """Take what they are made from."""
        self._weighed = weighed
        self._choice = choice
        self._taken = frozenset(rung.place for rung in choice.rungs)

    def ladder(self) -> tuple[Candidate, ...]:
        """The rungs; each leaves the rungs above it the time that they are expected to take."""
        rungs, made = self._choice.rungs, list[Candidate]()
        leave_ms = 0
        for number in reversed(range(len(rungs))):
            told = Removal("chosen", self._praise(number))
            made.append(self._candidate(rungs[number].place, told, chosen=True, leave_ms=leave_ms))
            leave_ms += rungs[number].latency_ms
        return tuple(reversed(made))

    def fallbacks(self) -> tuple[Candidate, ...]:
        """Those that stand by, as they are told among the refused."""
        return tuple(self._refused(place) for place in self._choice.fallbacks)

    def refused(self) -> tuple[Candidate, ...]:
        """All that are no rung, in the order of the offers."""
        return tuple(self._refused(place) for place in range(len(self._weighed.table)) if place not in self._taken)

    def count_refused(self) -> int:
        """How many those are."""
        return len(self._weighed.table) - len(self._taken)

    def _refused(self, place: int) -> Candidate:
        number = int(self._weighed.removed[place])
        if number == OPEN:
            return self._candidate(place, self._passed_over(place), chosen=False)
        weighed = self._weighed
        removal = RULES[number - 1](weighed.table.offers[place], self._estimate(place), weighed.inputs)
        assert removal is not None, "the rule removes it, for so its mask says"
        return self._candidate(place, removal, chosen=False)

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
        inputs, targets = self._weighed.inputs, self._weighed.table.targets
        quality, least = float(self._weighed.quality[place]), inputs.asked.quality_min
        if quality < least:
            return Removal("quality", f"expected quality {quality:.2f}, asked for {least:.2f}")
        if self._choice.explored and place == self._choice.preferred:
            return Removal("explore", f"{targets[self._choice.rungs[0].place]} is tried this time, to learn of it")
        preferred = targets[self._choice.preferred]
        if inputs.rating.good_answer_microcredits > 0:
            return Removal("cost", f"{preferred} is worth more for its cost, or sooner")
        return Removal("cost", f"{preferred} is cheaper or sooner")

    def _candidate(self, place: int, told: Removal, *, chosen: bool, leave_ms: int = 0) -> Candidate:
        offer, inputs = self._weighed.table.offers[place], self._weighed.inputs
        return Candidate(
            target=offer.target,
            estimate=self._estimate(place),
            chosen=chosen,
            rule=told.rule,
            reason=told.reason,
            deidentified=needs_deidentification(offer, inputs.asked),
            leave_ms=leave_ms,
            policies=inputs.rulings.by_target.get(offer.target, UNRULED).policies,
        )

    def _estimate(self, place: int) -> Estimate:
        weighed = self._weighed
        return Estimate(
            cost_microcredits=int(weighed.estimated.cost[place]),
            cost_microcredits_max=int(weighed.estimated.cost_max[place]),
            latency_ms=int(weighed.estimated.latency_ms[place]),
            quality=float(weighed.quality[place]),
            prompt_tokens=weighed.estimated.prompt_tokens,
            completion_tokens=weighed.estimated.completion_tokens,
            quality_uncertainty=float(weighed.uncertainty[place]),
        )


class Unread(Sequence[Candidate]):
    """A tuple of candidates that is made when it is first read; otherwise as any other: it compares, hashes, prints."""

    __slots__ = ("_length", "_made", "_make")

    def __init__(self, length: int, make: Callable[[], tuple[Candidate, ...]]) -> None:
        """Take how many there are, and what makes them; that is called once at most."""
        self._length = length
        self._make: Callable[[], tuple[Candidate, ...]] | None = make
        self._made: tuple[Candidate, ...] = ()

    def _read(self) -> tuple[Candidate, ...]:
        if self._make is not None:
            self._made, self._make = self._make(), None
        return self._made

    def __len__(self) -> int:
        """How many; nothing is made for it."""
        return self._length

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
        if isinstance(other, Unread):
            return self._read() == other._read()
        return self._read() == other

    def __hash__(self) -> int:
        """As a tuple."""
        return hash(self._read())

    def __repr__(self) -> str:
        """As a tuple."""
        return repr(self._read())
