"""The rules that remove a target, in the order in which they are asked.

1. ``model``: the caller asked for another model.
2. ``permission``: the caller keeps the request on site, or names other providers or regions.
3. ``label``: the label may not go there, not even de-identified (or the caller does not permit that).
4. ``ability``: tools, a JSON schema, a grammar, log-probabilities, pictures or texts to embed that the target cannot
   take.
5. ``context``: the prompt cannot fit, however few tokens it makes; where it might, the target counts for itself.
6. ``available``: not loaded, unreachable, or its breaker is open.
7. ``quality``: expected quality under what the caller asks, and no evaluator with a better rung above it.
8. ``deadline``: not expected to answer in time.
9. ``ceiling``: dearer than the caller's ceiling.
10. ``wallet``: dearer than the wallet's rest.

The first rule that removes a target is the one that is told. Rules 1 to 3 decide where a request *may* go: they depend
on the label and the permission alone, so that nothing that changes while a request runs can widen them
(DESIGN.md, invariant 8).
"""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.labels import Label, Level, join, may_leave
from ringfenced.model import Classification, Estimate, Image, Offer, Request, TargetKind, ToolMode

CHARS_PER_TOKEN_MAX = 16
"""Most characters a token on average: prose in vocabularies of 200,000 tokens stays under 6 (tiktoken's o200k on
English), so that a prompt refused by this bound cannot fit."""

DEIDENTIFIED = Label(Level.INTERNAL)
"""What de-identified content is at least: no identifiers, but still about a site's own affairs."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision depends on besides the request and the offers."""

    wallet_microcredits: int
    """What the caller's wallet has left."""
    time_left_ms: float | None
    """Until the caller stops waiting; None for no limit."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a target is not open."""

    rule: str
    reason: str


def inputs_of(request: Request) -> int:
    """How often a request may fill a target's context: once for each text to embed."""
    return len(request.prompt.messages) if request.prompt.embeds else 1


def label_deidentified(classification: Classification) -> Label:
    """The label that de-identification leaves, if it leaves no residual finding: what was asserted stays."""
    if classification.label == classification.label_asserted:
        return classification.label
    return join((classification.label_asserted, DEIDENTIFIED))


def needs_deidentification(offer: Offer, classification: Classification) -> bool:
    """Whether the payload must be de-identified on its way to `offer`.

    Whatever leaves the site with a finding in it is de-identified, also where the receiver is cleared for more.
    """
    lowered = classification.findings or classification.label != classification.label_asserted
    return offer.target.kind is TargetKind.PROVIDER and bool(lowered)


def removed(
    offer: Offer, request: Request, classification: Classification, estimate: Estimate, circumstances: Circumstances
) -> Removal | None:
    """The first rule that removes `offer`, quality apart (it depends on the whole ladder); None if it is open."""
    return (
        _not_asked_for(offer, request)
        or _not_permitted(offer, request)
        or _not_cleared(offer, request, classification)
        or _unable(offer, request)
        or _too_long(offer, request, classification)
        or _unavailable(offer)
        or _late(estimate, circumstances)
        or _dear(estimate, request, circumstances)
    )


def _not_asked_for(offer: Offer, request: Request) -> Removal | None:
    if request.model and request.model != offer.target.model:
        return Removal("model", f"the caller asked for {request.model}")
    return None


def _not_permitted(offer: Offer, request: Request) -> Removal | None:
    if offer.target.kind is not TargetKind.PROVIDER:
        return None
    permission = request.permission
    if permission.local_only:
        return Removal("permission", "the caller keeps this request on site")
    if permission.providers and offer.target.provider not in permission.providers:
        return Removal("permission", "the caller permits only other providers")
    if permission.regions and offer.target.region not in permission.regions:
        return Removal("permission", "the caller permits only other regions")
    return None


def _not_cleared(offer: Offer, request: Request, classification: Classification) -> Removal | None:
    clearance = offer.clearance
    if clearance is None:
        return None
    if may_leave(classification.label, clearance):
        return None
    if not may_leave(label_deidentified(classification), clearance):
        return Removal("label", f"{classification.label} may not go there, not even de-identified")
    if not request.permission.deidentified_egress:
        return Removal(
            "label", f"{classification.label} may not go there, and the caller permits no de-identified egress"
        )
    return None


def _unable(offer: Offer, request: Request) -> Removal | None:
    prompt = request.prompt
    has_picture = any(isinstance(part, Image) for turn in prompt.messages for part in turn.parts)
    lacking = (
        (prompt.embeds and not offer.supports_embeddings, "it cannot embed texts"),
        (not prompt.embeds and not offer.supports_text, "it only embeds texts"),
        (prompt.tools and prompt.tool_mode is not ToolMode.NONE and not offer.supports_tools, "it cannot call tools"),
        (prompt.json_schema and not offer.supports_json_schema, "it cannot keep to a JSON schema"),
        (prompt.grammar and not offer.supports_grammar, "it cannot keep to a grammar"),
        (prompt.sampling.logprobs is not None and not offer.supports_logprobs, "it gives no log-probabilities"),
        (has_picture and not offer.supports_images, "it cannot read pictures"),
    )
    return next((Removal("ability", reason) for is_lacking, reason in lacking if is_lacking), None)


def _too_long(offer: Offer, request: Request, classification: Classification) -> Removal | None:
    least = classification.prompt_chars // CHARS_PER_TOKEN_MAX
    if least >= offer.context_tokens_max * inputs_of(request):
        return Removal(
            "context", f"the prompt makes at least {least} tokens, its context has {offer.context_tokens_max}"
        )
    return None


def _unavailable(offer: Offer) -> Removal | None:
    return None if offer.available else Removal("available", offer.unavailable_reason)


def _late(estimate: Estimate, circumstances: Circumstances) -> Removal | None:
    left = circumstances.time_left_ms
    if left is not None and estimate.latency_ms > left:
        return Removal("deadline", f"expected to take {estimate.latency_ms} ms of the {max(0, int(left))} ms left")
    return None


def _dear(estimate: Estimate, request: Request, circumstances: Circumstances) -> Removal | None:
    most = estimate.cost_microcredits_max
    ceiling = request.permission.cost_microcredits_max
    if ceiling is not None and most > ceiling:
        return Removal("ceiling", f"may cost {most} microcredits, the caller's ceiling is {ceiling}")
    if most > circumstances.wallet_microcredits:
        return Removal(
            "wallet", f"may cost {most} microcredits, the wallet has {circumstances.wallet_microcredits} left"
        )
    return None
