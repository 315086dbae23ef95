"""Step 3: where a request runs, and why not elsewhere.

`decide` is total: every offer stands in the decision once, as a rung of the ladder or refused with the rule that
removed it. It never raises and it changes nothing; the same value answers a dry run, stands in the log and in the
receipt, and the same `Inputs` give the same decision again.
"""

from __future__ import annotations

from ringfence import reasons
from ringfenced.account import estimate as estimate_run
from ringfenced.decide.asked import asked_of, label_deidentified, tokens_max
from ringfenced.decide.rules import UNRULED, Removal, ceiling, needs_deidentification, removed
from ringfenced.inputs import Inputs
from ringfenced.model import Candidate, Decision, Estimate, Offer

__all__ = ["asked_of", "decide", "label_deidentified", "tokens_max"]

_Open = tuple[Offer, Estimate]


def decide(inputs: Inputs) -> Decision:
    """Choose the cheapest ladder of targets that is allowed, good enough and in time.

    Args:
        inputs: what is asked, every target of the site as it stands, and what learning, policy and the moment say.

    Returns:
        The decision; its ladder is empty where no target is open. The rungs together keep to ceiling and wallet.
    """
    asked = inputs.asked
    open_: list[_Open] = []
    refused: list[Candidate] = []
    for place, offer in enumerate(inputs.offers):
        expected = estimate_run(
            offer,
            asked.prompt_chars,
            asked.tokens_max,
            inputs=asked.inputs,
            quality=inputs.rating.quality[place],
            quality_uncertainty=inputs.rating.uncertainty[place],
        )
        removal = removed(offer, expected, inputs)
        if removal is None:
            open_.append((offer, expected))
        else:
            refused.append(_candidate(offer, expected, inputs, removal, chosen=False))
    open_.sort(key=_preference)
    rungs = _climb(open_, inputs)
    ladder = tuple(
        _candidate(offer, expected, inputs, _praise(place, expected, inputs), chosen=True)
        for place, (offer, expected) in enumerate(rungs)
    )
    taken = {candidate.target for candidate in ladder}
    refused.extend(
        _candidate(offer, expected, inputs, _passed_over(expected, inputs, ladder), chosen=False)
        for offer, expected in open_
        if offer.target not in taken
    )
    return Decision(label=asked.label, ladder=ladder, refused=tuple(refused), policy_digest=inputs.rulings.digest)


def _preference(item: _Open) -> tuple[int, int, float, str]:
    offer, expected = item
    return expected.cost_microcredits, expected.latency_ms, -expected.quality, str(offer.target)


def _climb(open_: list[_Open], inputs: Inputs) -> list[_Open]:
    """The rungs from `open_` (cheapest first): a try, the cheapest that is good enough, then ever better ones.

    A rung has another above it only where an evaluator judges its answer, and all rungs together keep to the budget.
    """
    asked = inputs.asked
    length_max = max(1, asked.permission.ladder_length_max)
    if inputs.rulings.ladder_length_max is not None:
        length_max = min(length_max, max(1, inputs.rulings.ladder_length_max))
    budget = inputs.circumstances.wallet_microcredits
    if (most := ceiling(asked, inputs.rulings)) is not None:
        budget = min(budget, most)
    first = next((item for item in open_ if item[1].quality >= asked.quality_min), None)
    if first is None:
        return []
    rungs = [first]
    if length_max > 1:
        tries = (item for item in open_[: open_.index(first)] if _is_judged(item, inputs))
        rungs = [item for item in (next(tries, None),) if item and _cost([item, first]) <= budget] + rungs
    for item in open_:
        if len(rungs) == length_max or not _is_judged(rungs[-1], inputs):
            break
        if item[1].quality > rungs[-1][1].quality and _cost([*rungs, item]) <= budget:
            rungs.append(item)
    return rungs


def _is_judged(item: _Open, inputs: Inputs) -> bool:
    """Whether somebody judges its answer, so that it makes sense to have a rung above it."""
    return item[0].is_judged or bool(inputs.asked.evaluators) or inputs.asked.schema_checked


def _cost(rungs: list[_Open]) -> int:
    return sum(expected.cost_microcredits_max for _, expected in rungs)


def _praise(place: int, expected: Estimate, inputs: Inputs) -> Removal:
    if place > 0:
        return Removal("chosen", reasons.NEXT_RUNG)
    if expected.quality < inputs.asked.quality_min:
        return Removal("chosen", reasons.CHEAP_TO_TRY)
    return Removal("chosen", reasons.CHEAPEST)


def _passed_over(expected: Estimate, inputs: Inputs, ladder: tuple[Candidate, ...]) -> Removal:
    if expected.quality < inputs.asked.quality_min:
        return Removal("quality", f"expected quality {expected.quality:.2f}, asked for {inputs.asked.quality_min:.2f}")
    if not ladder:
        return Removal("quality", "no rung above it is open")
    return Removal("cost", f"{ladder[0].target} is cheaper or sooner")


def _candidate(offer: Offer, expected: Estimate, inputs: Inputs, removal: Removal, *, chosen: bool) -> Candidate:
    return Candidate(
        target=offer.target,
        estimate=expected,
        chosen=chosen,
        rule=removal.rule,
        reason=removal.reason,
        deidentified=needs_deidentification(offer, inputs.asked),
        policies=inputs.rulings.by_target.get(offer.target, UNRULED).policies,
    )
