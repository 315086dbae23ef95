"""What runs cost on many targets at once is what they cost one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fakes.decisions import offers, targets
from ringfenced.account import estimate
from ringfenced.account.many import estimates, prices_of


@given(
    st.lists(targets(), max_size=6, unique=True).flatmap(
        lambda named: st.tuples(*(offers(target, kind=False) for target in named))
    ),
    st.integers(0, 10**7),
    st.integers(0, 2**32 - 1),
    st.integers(1, 64),
)
def test_columns_come_to_the_same_microcredit_and_millisecond(all_, prompt_chars, tokens_max, inputs):
    together = estimates(prices_of(all_), prompt_chars, tokens_max, inputs=inputs)
    for place, offer in enumerate(all_):
        alone = estimate(offer, prompt_chars, tokens_max, inputs=inputs)
        assert together.cost[place] == alone.cost_microcredits
        assert together.cost_max[place] == alone.cost_microcredits_max
        assert together.latency_ms[place] == alone.latency_ms
        assert together.prompt_tokens == alone.prompt_tokens
        assert together.completion_tokens == alone.completion_tokens


def test_no_targets_cost_nothing():
    assert len(estimates(prices_of(()), 100, 10).cost) == 0
