"""Step 3: where a request runs, and why not elsewhere.

`decide` is total: every offer stands in the decision once, as a rung of the ladder or refused with the rule that
removed it. It never raises and it changes nothing; the same value answers a dry
run, stands in the log and in the receipt.
"""

from __future__ import annotations

from ringfence import reasons
from ringfenced.account import estimate as estimate_run
from ringfenced.decide.evaluate import has_evaluator
from ringfenced.decide.rules import Circumstances, Removal, inputs_of, needs_deidentification, removed
from ringfenced.model import Candidate, Classification, Decision, Estimate, Offer, Request

__all__ = ["TOKENS_DEFAULT_MAX", "Circumstances", "decide", "tokens_max"]

TOKENS_DEFAULT_MAX = 512
"""Bound on an answer whose request names none: an unbounded answer could not be priced before it runs."""

_Open = tuple[Offer, Estimate]


def tokens_max(request: Request) -> int:
    """Upper bound on the answer's tokens."""
    if request.prompt.embeds:
        return 0
    return request.prompt.sampling.tokens_max or TOKENS_DEFAULT_MAX


def decide(
    request: Request,
    classification: Classification,
    offers: tuple[Offer, ...],
    circumstances: Circumstances,
    policy_digest: str,
) -> Decision:
    """Choose the cheapest ladder of targets that is allowed, good enough and in time.

    Args:
        request: what is asked.
        classification: what it is.
        offers: every target of the site, as it stands now.
        circumstances: the wallet's rest and the time left.
        policy_digest: SHA-256 of the policy that the offers' clearances come from, hex.

    Returns:
        The decision; its ladder is empty where no target is open. The rungs together keep to ceiling and wallet.
    """
    bound = tokens_max(request)
    open_: list[_Open] = []
    refused: list[Candidate] = []
    for offer in offers:
        expected = estimate_run(offer, classification.prompt_chars, bound, inputs=inputs_of(request))
        removal = removed(offer, request, classification, expected, circumstances)
        if removal is None:
            open_.append((offer, expected))
        else:
            refused.append(_candidate(offer, expected, classification, removal, chosen=False))
    open_.sort(key=_preference)
    rungs = _climb(open_, request, circumstances)
    ladder = tuple(
        _candidate(offer, expected, classification, _praise(place, offer, request), chosen=True)
        for place, (offer, expected) in enumerate(rungs)
    )
    taken = {candidate.target for candidate in ladder}
    refused.extend(
        _candidate(offer, expected, classification, _passed_over(offer, request, ladder), chosen=False)
        for offer, expected in open_
        if offer.target not in taken
    )
    return Decision(label=classification.label, ladder=ladder, refused=tuple(refused), policy_digest=policy_digest)


def _preference(item: _Open) -> tuple[int, int, float, str]:
    offer, expected = item
    return expected.cost_microcredits, expected.latency_ms, -expected.quality, str(offer.target)


def _climb(open_: list[_Open], request: Request, circumstances: Circumstances) -> list[_Open]:
    """The rungs from `open_` (cheapest first): a try, the cheapest that is good enough, then ever better ones.

    A rung has another above it only where an evaluator judges its answer, and all rungs together keep to the budget.
    """
    length_max = max(1, request.permission.ladder_length_max)
    budget = circumstances.wallet_microcredits
    if request.permission.cost_microcredits_max is not None:
        budget = min(budget, request.permission.cost_microcredits_max)
    first = next((item for item in open_ if item[0].quality >= request.quality_min), None)
    if first is None:
        return []
    rungs = [first]
    if length_max > 1:
        tries = (item for item in open_[: open_.index(first)] if has_evaluator(item[0]))
        rungs = [item for item in (next(tries, None),) if item and _cost([item, first]) <= budget] + rungs
    for item in open_:
        if len(rungs) == length_max or not has_evaluator(rungs[-1][0]):
            break
        if item[0].quality > rungs[-1][0].quality and _cost([*rungs, item]) <= budget:
            rungs.append(item)
    return rungs


def _cost(rungs: list[_Open]) -> int:
    return sum(expected.cost_microcredits_max for _, expected in rungs)


def _praise(place: int, offer: Offer, request: Request) -> Removal:
    if place > 0:
        return Removal("chosen", reasons.NEXT_RUNG)
    if offer.quality < request.quality_min:
        return Removal("chosen", reasons.CHEAP_TO_TRY)
    return Removal("chosen", reasons.CHEAPEST)


def _passed_over(offer: Offer, request: Request, ladder: tuple[Candidate, ...]) -> Removal:
    if offer.quality < request.quality_min:
        return Removal("quality", f"expected quality {offer.quality:.2f}, asked for {request.quality_min:.2f}")
    if not ladder:
        return Removal("quality", "no rung above it is open")
    return Removal("cost", f"{ladder[0].target} is cheaper or sooner")


def _candidate(
    offer: Offer, expected: Estimate, classification: Classification, removal: Removal, *, chosen: bool
) -> Candidate:
    return Candidate(
        target=offer.target,
        estimate=expected,
        chosen=chosen,
        rule=removal.rule,
        reason=removal.reason,
        deidentified=needs_deidentification(offer, classification),
    )
