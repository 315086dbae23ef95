"""The rules that remove a target, in the order in which they are asked.

1. ``model``: the caller asked for another model.
2. ``permission``: the caller keeps the request on site, or names other providers or regions.
3. ``label``: the label may not go there, not even de-identified (or the caller does not permit that).
4. ``policy``: the site's own policy does not permit it, forbids it, or cannot be evaluated.
5. ``ability``: tools, a JSON schema, a grammar, log-probabilities, pictures or texts to embed that the target cannot
   take.
6. ``context``: the prompt cannot fit, however few tokens it makes; where it might, the target counts for itself.
7. ``available``: not loaded, unreachable, or closed to this tenant for now (an open breaker, a spent rate).
8. ``quality``: expected quality under what the caller asks, and no evaluator with a better rung above it.
9. ``deadline``: not expected to answer in time.
10. ``ceiling``: dearer than the caller's ceiling or the policy's.
11. ``wallet``: dearer than the wallet's rest.

The first rule that removes a target is the one that is told. Rules 1 to 4 decide where a request *may* go: they depend
on the label, the permission and the policy alone, so that nothing that changes while a request runs can widen them
(DESIGN.md, invariant 8). Rule 3 is the floor: it stands above whatever the policy says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ringfence.labels import may_leave
from ringfenced.inputs import Ability, Asked, Circumstances, Inputs, Ruling, Rulings
from ringfenced.model import Estimate, Offer, TargetKind

CHARS_PER_TOKEN_MAX = 16
"""Most characters a token on average: prose in vocabularies of 200,000 tokens stays under 6 (tiktoken's o200k on
English), so that a prompt refused by this bound cannot fit."""

UNRULED = Ruling(allowed=False)
"""What a target without a ruling gets: what no policy permits is denied."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a target is not open."""

    rule: str
    reason: str


def needs_deidentification(offer: Offer, asked: Asked) -> bool:
    """Whether the payload must be de-identified on its way to `offer`.

    Whatever leaves the site with a finding in it is de-identified, also where the receiver is cleared for more.
    """
    return offer.target.kind is TargetKind.PROVIDER and asked.lowered


def ceiling(asked: Asked, rulings: Rulings) -> int | None:
    """The lower of the caller's and the policy's ceiling on the whole request, in microcredits; None for none."""
    ceilings = [
        one for one in (asked.permission.cost_microcredits_max, rulings.cost_microcredits_max) if one is not None
    ]
    return min(ceilings, default=None)


def removed(offer: Offer, estimate: Estimate, inputs: Inputs) -> Removal | None:
    """The first rule that removes `offer`, quality apart (it depends on the whole ladder); None if it is open."""
    asked, circumstances, rulings = inputs.asked, inputs.circumstances, inputs.rulings
    return (
        _not_asked_for(offer, asked)
        or _not_permitted(offer, asked)
        or _not_cleared(offer, asked)
        or _denied(offer, rulings)
        or _unable(offer, asked)
        or _too_long(offer, asked)
        or _unavailable(offer, circumstances)
        or _late(estimate, circumstances)
        or _dear(estimate, ceiling(asked, rulings), circumstances)
    )


def _not_asked_for(offer: Offer, asked: Asked) -> Removal | None:
    if asked.model and asked.model != offer.target.model:
        return Removal("model", f"the caller asked for {asked.model}")
    return None


def _not_permitted(offer: Offer, asked: Asked) -> Removal | None:
    if offer.target.kind is not TargetKind.PROVIDER:
        return None
    permission = asked.permission
    if permission.local_only:
        return Removal("permission", "the caller keeps this request on site")
    if permission.providers and offer.target.provider not in permission.providers:
        return Removal("permission", "the caller permits only other providers")
    if permission.regions and offer.target.region not in permission.regions:
        return Removal("permission", "the caller permits only other regions")
    return None


def _not_cleared(offer: Offer, asked: Asked) -> Removal | None:
    clearance = offer.clearance
    if clearance is None:
        return None
    if may_leave(asked.label, clearance):
        return None
    if not may_leave(asked.label_deidentified, clearance):
        return Removal("label", f"{asked.label} may not go there, not even de-identified")
    if not asked.permission.deidentified_egress:
        return Removal("label", f"{asked.label} may not go there, and the caller permits no de-identified egress")
    return None


def _denied(offer: Offer, rulings: Rulings) -> Removal | None:
    ruling = rulings.by_target.get(offer.target, UNRULED)
    if ruling.allowed:
        return None
    if ruling.broken:
        return Removal("policy", "a policy of this site cannot be evaluated for it, which denies")
    if ruling.policies:
        return Removal("policy", f"forbidden by {', '.join(ruling.policies)}")
    return Removal("policy", "no policy of this site permits it")


_LACKS: Mapping[Ability, tuple[Callable[[Offer], bool], str]] = {
    Ability.EMBEDDINGS: (lambda offer: offer.supports_embeddings, "it cannot embed texts"),
    Ability.TEXT: (lambda offer: offer.supports_text, "it only embeds texts"),
    Ability.TOOLS: (lambda offer: offer.supports_tools, "it cannot call tools"),
    Ability.JSON_SCHEMA: (lambda offer: offer.supports_json_schema, "it cannot keep to a JSON schema"),
    Ability.GRAMMAR: (lambda offer: offer.supports_grammar, "it cannot keep to a grammar"),
    Ability.LOGPROBS: (lambda offer: offer.supports_logprobs, "it gives no log-probabilities"),
    Ability.IMAGES: (lambda offer: offer.supports_images, "it cannot read pictures"),
}


def _unable(offer: Offer, asked: Asked) -> Removal | None:
    for ability, (has, reason) in _LACKS.items():
        if ability in asked.needs and not has(offer):
            return Removal("ability", reason)
    return None


def _too_long(offer: Offer, asked: Asked) -> Removal | None:
    least = asked.prompt_chars // CHARS_PER_TOKEN_MAX
    if least >= offer.context_tokens_max * asked.inputs:
        return Removal(
            "context", f"the prompt makes at least {least} tokens, its context has {offer.context_tokens_max}"
        )
    return None


def _unavailable(offer: Offer, circumstances: Circumstances) -> Removal | None:
    if not offer.available:
        return Removal("available", offer.unavailable_reason)
    closed = circumstances.closed.get(offer.target)
    return None if closed is None else Removal("available", closed)


def _late(estimate: Estimate, circumstances: Circumstances) -> Removal | None:
    left = circumstances.time_left_ms
    if left is not None and estimate.latency_ms > left:
        return Removal("deadline", f"expected to take {estimate.latency_ms} ms of the {max(0, int(left))} ms left")
    return None


def _dear(estimate: Estimate, ceiling_: int | None, circumstances: Circumstances) -> Removal | None:
    most = estimate.cost_microcredits_max
    if ceiling_ is not None and most > ceiling_:
        return Removal("ceiling", f"may cost {most} microcredits, the ceiling is {ceiling_}")
    if most > circumstances.wallet_microcredits:
        return Removal(
            "wallet", f"may cost {most} microcredits, the wallet has {circumstances.wallet_microcredits} left"
        )
    return None
