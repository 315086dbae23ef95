"""What a run costs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.account import COST_MAX, LATENCY_MS_MAX, cost, estimate, price
from ringfenced.model import Offer, Target, TargetKind, Usage


def offer(prompt, completion):
    return Offer(Target(TargetKind.LOCAL, "m"), True, "", 0.5, 4096, prompt, completion, 10, 1)


def test_prices_round_up():
    assert price(offer(1, 0), 1, 0) == 1
    assert price(offer(0, 0), 10**6, 10**6) == 0
    assert price(offer(2500, 10000), 1000, 100) == 3500


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.text(max_size=300),
    st.integers(1, 4096),
    st.data(),
)
def test_a_run_never_costs_more_than_what_was_held_for_it(prompt_price, completion_price, text, tokens_max, data):
    """A byte-level vocabulary makes at most a token a byte, so the bound holds for any text."""
    target = offer(prompt_price, completion_price)
    prompt_tokens = data.draw(st.integers(0, len(text.encode())))
    completion_tokens = data.draw(st.integers(0, tokens_max))
    held = estimate(target, len(text), tokens_max).cost_microcredits_max
    assert cost(target, Usage(prompt_tokens, completion_tokens)) <= held


def test_what_a_cache_answers_costs_its_own_price_and_never_more():
    """Nine hundred of a thousand tokens at a tenth of the price; what is held counts on no cache."""
    cached = replace(offer(1000, 0), cached_prompt_microcredits_per_1k_tokens=100)
    assert cost(cached, Usage(1000, 0, cached_tokens=900)) == 190
    assert cost(offer(1000, 0), Usage(1000, 0, cached_tokens=900)) == 1000
    dearer = replace(offer(1000, 0), cached_prompt_microcredits_per_1k_tokens=5000)
    assert cost(dearer, Usage(1000, 0, cached_tokens=900)) == 1000
    plain, sparing = estimate(cached, 3000, 10), estimate(cached, 3000, 10, cached_chars=3000)
    assert sparing.cost_microcredits < plain.cost_microcredits
    assert sparing.cost_microcredits_max == plain.cost_microcredits_max


def test_a_cached_beginning_takes_no_time():
    slow = replace(offer(0, 0), prompt_token_ms=2.0)
    assert estimate(slow, 3000, 0).latency_ms - estimate(slow, 3000, 0, cached_chars=1500).latency_ms == 1000


def test_no_cost_and_no_time_is_beyond_what_a_message_holds():
    absurd = replace(offer(2**80, 0), first_token_ms=float("inf"))
    assert estimate(absurd, 300, 10).cost_microcredits_max == COST_MAX
    assert estimate(absurd, 300, 10).latency_ms == LATENCY_MS_MAX
