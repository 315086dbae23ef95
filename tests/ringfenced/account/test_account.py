"""What a run costs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.account import cost, estimate, price
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
