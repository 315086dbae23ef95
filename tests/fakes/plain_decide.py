"""How a decision is made, one target after the other and without a table: what the daemon's must come to as well."""

from __future__ import annotations

from ringfence import reasons
from ringfenced.account import estimate
from ringfenced.decide.choose import BOUND_DEVIATIONS, FALLBACKS_MAX, limits_of
from ringfenced.decide.ladder import Rung, best_ladder, thinned
from ringfenced.decide.rules import UNRULED, Removal, needs_deidentification, removed
from ringfenced.inputs import Inputs
from ringfenced.model import Candidate, Decision, Estimate


def plain_decide(inputs: Inputs) -> Decision:
    """The same decision, slowly."""
    return _Plain(inputs).decision()


class _Plain:
    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.asked, self.offers = inputs, inputs.asked, inputs.offers
        self.worth = inputs.rating.good_answer_microcredits
        self.estimates = [self._estimate(place) for place in range(len(self.offers))]
        self.removals = [removed(offer, self.estimates[at], inputs) for at, offer in enumerate(self.offers)]
        self.limits = limits_of(inputs)

    def _estimate(self, place: int) -> Estimate:
        offer, moment = self.offers[place], self.inputs.circumstances
        return estimate(
            offer,
            self.asked.prompt_chars,
            self.asked.tokens_max,
            inputs=self.asked.inputs,
            quality=self.inputs.rating.quality[place],
            quality_uncertainty=self.inputs.rating.uncertainty[place],
            cached_chars=min(moment.cached_chars, self.asked.prompt_chars) if offer.target == moment.last else 0,
        )

    def decision(self) -> Decision:
        open_ = [at for at, removal in enumerate(self.removals) if removal is None]
        good = sorted((at for at in open_ if self._quality(at) >= self.asked.quality_min), key=self._order)
        rungs, value = self._best(open_, good)
        tried = self._tried(open_, rungs, value)
        chosen, propensity, explored = tried
        told = {at: self._tell(at, rungs, chosen, explored=explored) for at in range(len(self.offers))}
        ladder = tuple(self._candidate(rung.place, told[rung.place], chosen) for rung in chosen)
        others = [at for at in told if at not in {rung.place for rung in chosen}]
        others.sort(key=lambda at: self.removals[at] is None)
        fallbacks = [at for at in good if at in others]
        return Decision(
            label=self.asked.label,
            ladder=ladder,
            refused=tuple(self._candidate(at, told[at], ()) for at in others),
            policy_digest=self.inputs.rulings.digest,
            fallbacks=tuple(self._candidate(at, told[at], ()) for at in fallbacks[:FALLBACKS_MAX]),
            expected=self._expected(chosen),
            propensity=propensity,
            explored=explored,
        )

    # ── weighing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _quality(self, at: int) -> float:
        return self.inputs.rating.quality[at]

    def _utility(self, at: int) -> float:
        return self.worth * self._quality(at) - self.estimates[at].cost_microcredits

    def _order(self, at: int):
        return -self._utility(at), self.estimates[at].latency_ms, -self._quality(at), str(self.offers[at].target), at

    def _rung(self, at: int) -> Rung:
        one = self.estimates[at]
        judged = self.offers[at].is_judged or bool(self.asked.evaluators) or self.asked.schema_checked
        return Rung(at, self._quality(at), one.cost_microcredits, one.cost_microcredits_max, one.latency_ms, judged)

    # ── choosing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _best(self, open_: list[int], good: list[int]):
        if not good:
            return (), 0.0
        rungs, value = (self._rung(good[0]),), self._utility(good[0])
        if self.limits.length_max == 1:
            return rungs, value
        lower = [rung for rung in map(self._rung, open_) if rung.judged]
        upper = [self._rung(at) for at in good]
        for most, of in (
            (self.limits.cost_max, lambda rung: rung.cost_max),
            (self.limits.time_left_ms, lambda rung: rung.latency_ms),
        ):
            if most is not None and lower and upper:
                above, under = min(map(of, upper)), min(map(of, lower))
                lower = [rung for rung in lower if of(rung) <= most - above]
                upper = [rung for rung in upper if of(rung) <= most - under]
        longer = best_ladder(self._corners(lower), self._corners(upper), self.worth, self.limits)
        if longer is not None and longer[0] > value:
            value, rungs = longer
        if not self.worth:
            rungs = self._extended(rungs, good)
        return rungs, value

    def _corners(self, rungs: list[Rung]) -> list[Rung]:
        """Those over every line between two others, the first of those that are alike."""
        ordered = sorted(
            rungs, key=lambda one: (one.cost, -one.quality, one.latency_ms, str(self.offers[one.place].target))
        )
        corners: list[Rung] = []
        for rung in ordered:
            if corners and rung.quality <= max(one.quality for one in corners):
                continue
            while len(corners) > 1 and not _is_steeper(corners[-2], corners[-1], rung):
                corners.pop()
            corners.append(rung)
        return thinned(corners)

    def _extended(self, rungs: tuple[Rung, ...], good: list[int]) -> tuple[Rung, ...]:
        while len(rungs) < self.limits.length_max and rungs[-1].judged:
            better = [self._rung(at) for at in good if self._quality(at) > rungs[-1].quality]
            fitting = [rung for rung in better if self.limits.fit((*rungs, rung))]
            if not fitting:
                break
            rungs = (*rungs, fitting[0])
        return rungs

    def _tried(self, open_: list[int], rungs: tuple[Rung, ...], value: float):
        share, draw = self.inputs.rating.explore, self.inputs.circumstances.draw
        if not rungs or draw is None or share == 0 or self.asked.model:
            return rungs, 1.0, False
        places = []
        for at in open_:
            bound = min(1.0, self._quality(at) + BOUND_DEVIATIONS * self.inputs.rating.uncertainty[at])
            worth = self.worth * bound - self.estimates[at].cost_microcredits
            if self._quality(at) >= self.asked.quality_min and worth > value and at != rungs[0].place:
                places.append(at)
        if not places:
            return rungs, 1.0, False
        if draw >= share:
            return rungs, 1.0 - share, False
        tried = self._rung(places[min(int(draw / share * len(places)), len(places) - 1)])
        above = [rung for rung in rungs if rung.quality > tried.quality]
        above = above[-(self.limits.length_max - 1) :] if self.limits.length_max > 1 and tried.judged else []
        if not self.limits.fit((tried, *above)):
            above = []
        return (tried, *above), share / len(places), True

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, at: int, best: tuple[Rung, ...], chosen: tuple[Rung, ...], *, explored: bool) -> Removal:
        places = [rung.place for rung in chosen]
        if at in places[1:]:
            return Removal("chosen", reasons.NEXT_RUNG)
        low = self._quality(at) < self.asked.quality_min
        if at in places:
            usual = reasons.WORTH_MOST if self.worth else reasons.CHEAPEST
            return Removal("chosen", reasons.TRIED if explored else reasons.CHEAP_TO_TRY if low else usual)
        if (removal := self.removals[at]) is not None:
            return removal
        if low:
            return Removal(
                "quality", f"expected quality {self._quality(at):.2f}, asked for {self.asked.quality_min:.2f}"
            )
        if explored and at == best[0].place:
            return Removal("explore", f"{self.offers[places[0]].target} is tried this time, to learn of it")
        preferred = self.offers[best[0].place].target
        return Removal(
            "cost",
            f"{preferred} is worth more for its cost, or sooner" if self.worth else f"{preferred} is cheaper or sooner",
        )

    def _candidate(self, at: int, told: Removal, chosen: tuple[Rung, ...]) -> Candidate:
        offer, places = self.offers[at], [rung.place for rung in chosen]
        return Candidate(
            target=offer.target,
            estimate=self.estimates[at],
            chosen=at in places,
            rule=told.rule,
            reason=told.reason,
            deidentified=needs_deidentification(offer, self.asked),
            leave_ms=sum(rung.latency_ms for rung in chosen[places.index(at) + 1 :]) if at in places else 0,
            policies=self.inputs.rulings.by_target.get(offer.target, UNRULED).policies,
        )

    def _expected(self, rungs: tuple[Rung, ...]) -> Estimate | None:
        if not rungs:
            return None
        best = max(rungs, key=lambda rung: rung.quality)
        reaches = [1.0]
        for rung in rungs[:-1]:
            reaches.append(min(reaches[-1], 1.0 - rung.quality))
        one = self.estimates[best.place]
        weighted = list(zip(reaches, rungs, strict=True))
        return Estimate(
            cost_microcredits=round(sum(reach * rung.cost for reach, rung in weighted)),
            cost_microcredits_max=sum(rung.cost_max for rung in rungs),
            latency_ms=round(sum(reach * rung.latency_ms for reach, rung in weighted)),
            quality=best.quality,
            prompt_tokens=round(one.prompt_tokens * sum(reaches)),
            completion_tokens=round(one.completion_tokens * sum(reaches)),
            quality_uncertainty=one.quality_uncertainty,
        )


def _is_steeper(before: Rung, middle: Rung, after: Rung) -> bool:
    """Whether the way to the middle one gains more for its cost than the way on."""
    return (middle.quality - before.quality) * (after.cost - middle.cost) > (after.quality - middle.quality) * (
        middle.cost - before.cost
    )
