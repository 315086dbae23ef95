"""What a run costs: pure arithmetic in microcredits."""

from __future__ import annotations

from ringfenced.model import Estimate, Offer, Usage

CHARS_PER_TOKEN = 3.0
"""Expected characters a token; English prose is near 4 and identifiers near 2 in byte-level BPE vocabularies
(measured on the project's own notes), so that 3 errs to the dear side."""

TEMPLATE_TOKENS_MAX = 64
"""Bound on what a chat template adds around a prompt, roles and turns included."""


def price(offer: Offer, prompt_tokens: int, completion_tokens: int) -> int:
    """Cost in microcredits of a run on `offer`, rounded up: a run that costs anything never costs nothing."""
    thousandths = (
        prompt_tokens * offer.prompt_microcredits_per_1k_tokens
        + completion_tokens * offer.completion_microcredits_per_1k_tokens
    )
    return -(-thousandths // 1000)


def cost(offer: Offer, usage: Usage) -> int:
    """Cost in microcredits of what a run used."""
    return price(offer, usage.prompt_tokens, usage.completion_tokens)


def estimate(
    offer: Offer,
    prompt_chars: int,
    tokens_max: int,
    *,
    inputs: int = 1,
    quality: float | None = None,
    quality_uncertainty: float = 0.0,
) -> Estimate:
    """What a run on `offer` is expected to take, before it runs.

    Args:
        offer: the target as it stands now.
        prompt_chars: code points of all that the target would be given.
        tokens_max: upper bound on the answer, in tokens; 0 for none.
        inputs: how often the prompt may fill the context.
        quality: expected quality, 0 to 1; None for the configured one.
        quality_uncertainty: its standard deviation.
    """
    prompt_tokens = int(prompt_chars / CHARS_PER_TOKEN) + 1
    completion_tokens = max(1, tokens_max // 2) if tokens_max else 0
    # UTF-8 takes at most 4 bytes a code point, and a byte-level vocabulary at most a token a byte.
    prompt_tokens_max = min(4 * prompt_chars + TEMPLATE_TOKENS_MAX, offer.context_tokens_max * inputs)
    return Estimate(
        cost_microcredits=price(offer, prompt_tokens, completion_tokens),
        cost_microcredits_max=price(offer, max(prompt_tokens, prompt_tokens_max), tokens_max),
        latency_ms=int(
            offer.first_token_ms + offer.prompt_token_ms * prompt_tokens + offer.token_ms * completion_tokens
        ),
        quality=offer.quality if quality is None else quality,
        quality_uncertainty=quality_uncertainty,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )
