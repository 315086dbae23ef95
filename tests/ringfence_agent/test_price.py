"""What a send costs by the agent's own prices."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.price import Price

COUNT = st.integers(0, 10**6)


def test_costs_are_rounded_up():
    assert Price(1, 1, 10).of(1, 0) == 1
    assert Price(1000, 2000, 10).of(7, 3) == 13


def test_a_request_without_a_limit_may_take_the_longest_answer():
    assert Price(0, 1000, 10).most(100, None) == 10
    assert Price(0, 1000, 10).most(100, 4) == 4


@given(COUNT, COUNT, COUNT, COUNT, st.data())
def test_no_answer_costs_more_than_the_most(prompt, completion, body_bytes, tokens_max, data):
    price = Price(prompt, completion, 8192)
    used = price.of(data.draw(st.integers(0, body_bytes)), data.draw(st.integers(0, tokens_max)))
    assert used <= price.most(body_bytes, tokens_max)
