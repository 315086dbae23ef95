"""What a run costs: pure arithmetic in microcredits."""

from __future__ import annotations

from ringfenced.model import Estimate, Offer, Usage

CHARS_PER_TOKEN = 3.0
"""Expected characters a token; English prose is near 4 and identifiers near 2 in byte-level BPE vocabularies
(measured on the project's own notes), so that 3 errs to the dear side."""

TEMPLATE_TOKENS_MAX = 64
"""Bound on what a chat template adds around a prompt, roles and turns included."""


COST_MAX = 2**62
"""Most microcredits that anything costs: more than any wallet holds (a store's amounts are 64-bit whole numbers)."""

LATENCY_MS_MAX = 2**27
"""Longest time that is told apart, 37 hours: what the rungs of a ladder take together still fits a message's field."""


def price(offer: Offer, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> int:
    """Cost in microcredits of a run on `offer`, rounded up: a run that costs anything never costs nothing.

    Args:
        offer: with its prices.
        prompt_tokens: all of the prompt.
        completion_tokens: all of the answer.
        cached_tokens: part of `prompt_tokens` that a cache answered: at the cached price where there is one, which
            never makes a run dearer.
    """
    dearer, cached = offer.prompt_microcredits_per_1k_tokens, offer.cached_prompt_microcredits_per_1k_tokens
    thousandths = prompt_tokens * dearer + completion_tokens * offer.completion_microcredits_per_1k_tokens
    if cached is not None and cached_tokens > 0:
        thousandths -= min(cached_tokens, prompt_tokens) * max(0, dearer - cached)
    return min(-(-thousandths // 1000), COST_MAX)


def cost(offer: Offer, usage: Usage) -> int:
    """Cost in microcredits of what a run used."""
    return price(offer, usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)


def tokens_of(chars: int) -> int:
    """Tokens that so many code points are expected to make."""
    return int(chars / CHARS_PER_TOKEN) + 1


def completion_of(tokens_max: int) -> int:
    """Tokens that an answer is expected to have: half of what it may have."""
    return max(1, tokens_max // 2) if tokens_max else 0


def prompt_bound(prompt_chars: int) -> int:
    """Most tokens that so many code points can make.

    UTF-8 takes at most 4 bytes a code point, and a byte-level vocabulary at most a token a byte.
    """
    return 4 * prompt_chars + TEMPLATE_TOKENS_MAX


def estimate(
    offer: Offer,
    prompt_chars: int,
    tokens_max: int,
    *,
    inputs: int = 1,
    quality: float | None = None,
    quality_uncertainty: float = 0.0,
    cached_chars: int = 0,
) -> Estimate:
    """What a run on `offer` is expected to take, before it runs.

    Args:
        offer: the target as it stands now.
        prompt_chars: code points of all that the target would be given.
        tokens_max: upper bound on the answer, in tokens; 0 for none.
        inputs: how often the prompt may fill the context.
        quality: expected quality, 0 to 1; None for the configured one.
        quality_uncertainty: its standard deviation.
        cached_chars: code points at the prompt's begin that this target has read before: expected to take no time,
            and the cached price where there is one. What the run may cost at most never counts on a cache.
    """
    prompt_tokens, completion_tokens = tokens_of(prompt_chars), completion_of(tokens_max)
    cached_tokens = min(int(cached_chars / CHARS_PER_TOKEN), prompt_tokens)
    prompt_tokens_max = min(prompt_bound(prompt_chars), offer.context_tokens_max * inputs)
    latency_ms = (
        offer.first_token_ms
        + offer.prompt_token_ms * (prompt_tokens - cached_tokens)
        + offer.token_ms * completion_tokens
    )
    return Estimate(
        cost_microcredits=price(offer, prompt_tokens, completion_tokens, cached_tokens),
        cost_microcredits_max=price(offer, max(prompt_tokens, prompt_tokens_max), tokens_max),
        latency_ms=int(min(latency_ms, LATENCY_MS_MAX)),
        quality=offer.quality if quality is None else quality,
        quality_uncertainty=quality_uncertainty,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )
