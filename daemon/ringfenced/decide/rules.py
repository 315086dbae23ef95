"""The rules that remove a target, in the order in which they are asked.

1. ``model``: the caller asked for another model.
2. ``permission``: the caller keeps the request on site, or names other providers or regions.
3. ``label``: the label may not go there, not even de-identified (or the caller does not permit that).
4. ``policy``: the site's own policy does not permit it, forbids it, or cannot be evaluated.
5. ``ability``: tools, a JSON schema, a grammar, log-probabilities, pictures or texts to embed that the target cannot
   take.
6. ``context``: the prompt cannot fit, however few tokens it makes; where it might, the target counts for itself.
7. ``available``: not loaded, unreachable, or closed to this tenant for now (an open breaker, a spent rate).
8. ``deadline``: not expected to answer in time.
9. ``ceiling``: dearer than the caller's ceiling or the policy's.
10. ``wallet``: dearer than the wallet's rest.

What these leave is open. Of what is open, these are not taken:

11. ``quality``: expected quality under what the caller asks, and no rung to try it on.
12. ``cost``: another is cheaper, or worth more for its cost, or sooner.
13. ``explore``: another is tried this time, to learn of it.

The first rule that removes a target is the one that is told. Rules 1 to 4 decide where a request *may* go: they depend
on the label, the permission and the policy alone, so that nothing that changes while a request runs can widen them
(DESIGN.md, invariant 8). Rule 3 is the floor: it stands above whatever the policy says.

Here each rule is asked of one target and tells its reason; `masks` asks the same of all targets at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.labels import Label, may_leave
from ringfenced.inputs import Ability, Asked, Inputs, Ruling, Rulings
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


def is_cleared(clearance: Label, asked: Asked) -> bool:
    """Whether what is asked may go to a receiver: as it is, or de-identified where that is permitted."""
    return may_leave(asked.label, clearance) or (
        asked.permission.deidentified_egress and may_leave(asked.label_deidentified, clearance)
    )


def ceiling(asked: Asked, rulings: Rulings) -> int | None:
    """The lower of the caller's and the policy's ceiling on the whole request, in microcredits; None for none."""
    ceilings = [
        one for one in (asked.permission.cost_microcredits_max, rulings.cost_microcredits_max) if one is not None
    ]
    return min(ceilings, default=None)


def removed(offer: Offer, estimate: Estimate, inputs: Inputs) -> Removal | None:
    """The first of rules 1 to 10 that removes `offer`; None if it is open."""
    for rule in RULES:
        if (removal := rule(offer, estimate, inputs)) is not None:
            return removal
    return None


def _not_asked_for(offer: Offer, _: Estimate, inputs: Inputs) -> Removal | None:
    asked = inputs.asked
    if asked.model and asked.model != offer.target.model:
        return Removal("model", f"the caller asked for {asked.model}")
    return None


def _not_permitted(offer: Offer, _: Estimate, inputs: Inputs) -> Removal | None:
    if offer.target.kind is not TargetKind.PROVIDER:
        return None
    permission = inputs.asked.permission
    if permission.local_only:
        return Removal("permission", "the caller keeps this request on site")
    if permission.providers and offer.target.provider not in permission.providers:
        return Removal("permission", "the caller permits only other providers")
    if permission.regions and offer.target.region not in permission.regions:
        return Removal("permission", "the caller permits only other regions")
    return None


def _not_cleared(offer: Offer, _: Estimate, inputs: Inputs) -> Removal | None:
    clearance, asked = offer.clearance, inputs.asked
    if clearance is None or is_cleared(clearance, asked):
        return None
    if not may_leave(asked.label_deidentified, clearance):
        return Removal("label", f"{asked.label} may not go there, not even de-identified")
    return Removal("label", f"{asked.label} may not go there, and the caller permits no de-identified egress")


def _denied(offer: Offer, _: Estimate, inputs: Inputs) -> Removal | None:
    ruling = inputs.rulings.by_target.get(offer.target, UNRULED)
    if ruling.allowed:
        return None
    if ruling.broken:
        return Removal("policy", "a policy of this site cannot be evaluated for it, which denies")
    if ruling.policies:
        return Removal("policy", f"forbidden by {', '.join(ruling.policies)}")
    return Removal("policy", "no policy of this site permits it")


LACKS: Final[Mapping[Ability, tuple[Callable[[Offer], bool], str]]] = {
    Ability.EMBEDDINGS: (lambda offer: offer.supports_embeddings, "it cannot embed texts"),
    Ability.TEXT: (lambda offer: offer.supports_text, "it only embeds texts"),
    Ability.TOOLS: (lambda offer: offer.supports_tools, "it cannot call tools"),
    Ability.JSON_SCHEMA: (lambda offer: offer.supports_json_schema, "it cannot keep to a JSON schema"),
    Ability.GRAMMAR: (lambda offer: offer.supports_grammar, "it cannot keep to a grammar"),
    Ability.LOGPROBS: (lambda offer: offer.supports_logprobs, "it gives no log-probabilities"),
    Ability.IMAGES: (lambda offer: offer.supports_images, "it cannot read pictures"),
}
"""Whether a target has an ability, and what is told where it has not; in the order in which they are told."""


def _unable(offer: Offer, _: Estimate, inputs: Inputs) -> Removal | None:
    for ability, (has, reason) in LACKS.items():
        if ability in inputs.asked.needs and not has(offer):
            return Removal("ability", reason)
    return None


def _too_long(offer: Offer, _: Estimate, inputs: Inputs) -> Removal | None:
    asked = inputs.asked
    least = asked.prompt_chars // CHARS_PER_TOKEN_MAX
    if least >= offer.context_tokens_max * asked.inputs:
        return Removal(
            "context", f"the prompt makes at least {least} tokens, its context has {offer.context_tokens_max}"
        )
    return None


def _unavailable(offer: Offer, _: Estimate, inputs: Inputs) -> Removal | None:
    if not offer.available:
        return Removal("available", offer.unavailable_reason)
    closed = inputs.circumstances.closed.get(offer.target)
    return None if closed is None else Removal("available", closed)


def _late(_: Offer, estimate: Estimate, inputs: Inputs) -> Removal | None:
    left = inputs.circumstances.time_left_ms
    if left is not None and estimate.latency_ms > left:
        return Removal("deadline", f"expected to take {estimate.latency_ms} ms of the {max(0, int(left))} ms left")
    return None


def _over_ceiling(_: Offer, estimate: Estimate, inputs: Inputs) -> Removal | None:
    most, ceiling_ = estimate.cost_microcredits_max, ceiling(inputs.asked, inputs.rulings)
    if ceiling_ is not None and most > ceiling_:
        return Removal("ceiling", f"may cost {most} microcredits, the ceiling is {ceiling_}")
    return None


def _over_wallet(_: Offer, estimate: Estimate, inputs: Inputs) -> Removal | None:
    most, wallet = estimate.cost_microcredits_max, inputs.circumstances.wallet_microcredits
    if most > wallet:
        return Removal("wallet", f"may cost {most} microcredits, the wallet has {wallet} left")
    return None


Rule = Callable[[Offer, Estimate, Inputs], Removal | None]

RULES: Final[tuple[Rule, ...]] = (
    _not_asked_for,
    _not_permitted,
    _not_cleared,
    _denied,
    _unable,
    _too_long,
    _unavailable,
    _late,
    _over_ceiling,
    _over_wallet,
)
"""Rules 1 to 10 in their order."""

NAMES: Final = (
    *("model", "permission", "label", "policy", "ability", "context", "available"),
    *("deadline", "ceiling", "wallet"),
)
"""What each is called, in the same order."""

FIRST_OF_ESTIMATE: Final = 8
"""The first rule that reads the estimate."""
