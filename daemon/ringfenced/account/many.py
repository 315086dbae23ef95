"""What runs cost on many targets at once: the arithmetic of `estimate` on columns, to the same microcredit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfenced.account import COST_MAX, LATENCY_MS_MAX, completion_of, price, prompt_bound, tokens_of
from ringfenced.model import Offer

Whole = NDArray[np.int64]
Real = NDArray[np.float64]

_EXACT = 2**62
"""Products under this are exact in 64 bits; prices beyond are reckoned one by one."""

_CONTEXT_MAX = 2**40
"""Contexts are told apart up to this: longer than any prompt that the door takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What targets charge and how fast they are: a row an offer. Never changed."""

    offers: tuple[Offer, ...]
    """Whose they are."""
    prompt: Whole
    """Microcredits for a thousand tokens of the prompt; at most what fits."""
    completion: Whole
    """The same for the answer."""
    dearest: int
    """The highest of all of them."""
    context: Whole
    """Tokens of prompt and answer together."""
    first_token_ms: Real
    """To the first token."""
    prompt_token_ms: Real
    """For each token of the prompt."""
    token_ms: Real
    """For each token of the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What a run is expected to take on each target."""

    cost: Whole
    """Expected microcredits."""
    cost_max: Whole
    """Most microcredits."""
    latency_ms: Whole
    """Expected time to the whole answer."""
    prompt_tokens: int
    """Expected tokens of the prompt; the same everywhere."""
    completion_tokens: int
    """Expected tokens of the answer; the same everywhere."""


def prices_of(offers: tuple[Offer, ...]) -> Prices:
    """The columns of some offers."""
    prompt = [offer.prompt_microcredits_per_1k_tokens for offer in offers]
    completion = [offer.completion_microcredits_per_1k_tokens for offer in offers]
    return Prices(
        offers=offers,
        prompt=_whole(prompt),
        completion=_whole(completion),
        dearest=max(0, *prompt, *completion) if offers else 0,
        context=np.array([min(offer.context_tokens_max, _CONTEXT_MAX) for offer in offers], np.int64),
        first_token_ms=np.array([offer.first_token_ms for offer in offers], np.float64),
        prompt_token_ms=np.array([offer.prompt_token_ms for offer in offers], np.float64),
        token_ms=np.array([offer.token_ms for offer in offers], np.float64),
    )


def estimates(prices: Prices, prompt_chars: int, tokens_max: int, *, inputs: int = 1) -> Estimates:
    """What a run is expected to take on each target; no cache is counted on.

    Args:
        prices: the targets' columns.
        prompt_chars: code points of all that a target would be given.
        tokens_max: upper bound on the answer, in tokens; 0 for none.
        inputs: how often the prompt may fill the context.
    """
    prompt_tokens, completion_tokens = tokens_of(prompt_chars), completion_of(tokens_max)
    prompt_most = np.maximum(prompt_tokens, np.minimum(prompt_bound(prompt_chars), prices.context * inputs))
    latency_ms = prices.first_token_ms + prices.prompt_token_ms * prompt_tokens + prices.token_ms * completion_tokens
    most = max(prompt_tokens, prompt_bound(prompt_chars)) + tokens_max
    reckon = _cost if prices.dearest * most < _EXACT else _cost_one_by_one
    return Estimates(
        cost=reckon(prices, prompt_tokens, completion_tokens),
        cost_max=reckon(prices, prompt_most, tokens_max),
        latency_ms=np.minimum(latency_ms, LATENCY_MS_MAX).astype(np.int64),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


def _whole(values: Sequence[int]) -> Whole:
    return np.array([min(value, COST_MAX) for value in values], np.int64)


def _cost(prices: Prices, prompt_tokens: int | Whole, completion_tokens: int) -> Whole:
    thousandths: Whole = prompt_tokens * prices.prompt + completion_tokens * prices.completion
    thousandths += 999
    thousandths //= 1000
    return thousandths


def _cost_one_by_one(prices: Prices, prompt_tokens: int | Whole, completion_tokens: int) -> Whole:
    each = np.broadcast_to(prompt_tokens, len(prices.offers)).tolist()
    rows = zip(prices.offers, each, strict=True)
    return np.array([price(offer, tokens, completion_tokens) for offer, tokens in rows], np.int64)
