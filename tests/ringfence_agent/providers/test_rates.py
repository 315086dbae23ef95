"""What is left of a provider's rate: read from headers of every form, aged, and never believed for too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.providers.failures import HINT_MS_MAX
from ringfence_agent.providers.rates import Rate, Spent, rates_of, spent

DATE = ("Date", "Mon, 30 Nov 2026 06:00:00 GMT")


def read(*headers):
    return rates_of((name.encode(), value.encode()) for name, value in headers)


def openai(of="requests", remaining="0", reset="1m30.5s", limit="60"):
    said = (("limit", limit), ("remaining", remaining), ("reset", reset))
    return [(f"x-ratelimit-{part}-{of}", value) for part, value in said if value]


def anthropic(of="input-tokens", remaining="0", reset="2026-11-30T06:00:20Z", limit="40000"):
    said = (("limit", limit), ("remaining", remaining), ("reset", reset))
    return [DATE, *((f"anthropic-ratelimit-{of}-{part}", value) for part, value in said)]


@pytest.mark.parametrize(
    ("reset", "ms"),
    [
        ("1s", 1000),
        ("6m0s", 360_000),
        ("20ms", 20),
        ("1m30.5s", 90_500),
        ("1h2m3s", 3_600_000),
        ("7.5", 7500),
        ("0s", 0),
    ],
)
def test_openai_s_durations_are_read_and_bounded_by_an_hour(reset, ms):
    assert read(*openai(reset=reset)) == (Rate("requests", 0, 60, ms),)
    assert ms <= HINT_MS_MAX


def test_anthropic_s_times_are_held_against_the_answer_s_own_date():
    assert read(*anthropic()) == (Rate("tokens", 0, 40_000, 20_000),)
    assert read(*anthropic(of="requests", limit="50")) == (Rate("requests", 0, 50, 20_000),)
    assert read(*anthropic()[1:]) == (), "without a date a time says nothing"
    assert read(*anthropic(reset="2026-11-30T05:00:00Z"))[0].reset_ms == 0


@pytest.mark.parametrize(
    "headers",
    [
        openai(remaining="-1"),
        openai(remaining="many"),
        openai(remaining="9" * 13),
        openai(reset="soon"),
        openai(reset="1.2.3s"),
        openai(reset=""),
        openai(reset="9" * 70 + "s"),
        openai(remaining="\u0661"),
        anthropic(reset="2026-11-30T06:00:20"),
        [("retry-after", "9")],
    ],
)
def test_what_cannot_be_read_says_nothing(headers):
    assert read(*headers) == ()


def test_a_spent_rate_is_left_alone_until_a_part_of_it_is_back_and_not_the_whole():
    rates = read(*openai(limit="100", reset="60s"))
    assert spent(rates, 0) == Spent("requests", 3000)
    assert spent(rates, 2999) == Spent("requests", 1)
    assert spent(rates, 3000) is None


def test_a_small_rate_waits_for_one_request_and_one_without_a_limit_for_its_reset():
    assert spent(read(*openai(limit="3", reset="60s")), 0) == Spent("requests", 20_000)
    assert spent(read(*openai(limit="", reset="60s")), 0) == Spent("requests", 60_000)


def test_few_tokens_are_as_good_as_none_and_few_requests_are_not():
    assert spent(read(*openai("tokens", remaining="300", limit="30000", reset="60s")), 0).of == "tokens"
    assert spent(read(*openai("tokens", remaining="301", limit="30000", reset="60s")), 0) is None
    assert spent(read(*openai("requests", remaining="1", limit="30000", reset="60s")), 0) is None


def test_of_several_the_longest_counts():
    rates = read(*openai("requests", reset="10s"), *openai("tokens", limit="100", reset="900s"))
    assert spent(rates, 0) == Spent("tokens", 45_000)


@given(
    st.integers(0, 10**12),
    st.none() | st.integers(1, 10**12),
    st.integers(0, HINT_MS_MAX),
    st.integers(0, 10**8),
    st.sampled_from(["requests", "tokens"]),
)
def test_nothing_is_spent_after_its_reset_and_the_wait_only_shrinks(remaining, limit, reset_ms, age_ms, of):
    rate = Rate(of, remaining, limit, reset_ms)
    assert 0 <= rate.spent_ms(age_ms) <= rate.spent_ms(0) <= reset_ms
    assert rate.spent_ms(reset_ms) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([name for name, _ in (*openai(), *openai("tokens"), *anthropic(), *anthropic("requests"))]),
            st.text(st.characters(max_codepoint=255), max_size=70)
            | st.sampled_from(["0", "1s", DATE[1], "2026-11-30T06:00:20Z"]),
        )
    )
)
def test_whatever_a_provider_writes_is_read_or_left(headers):
    """Nothing raises, there are at most six rates, and nothing of the text stays."""
    rates = rates_of((name.encode(), value.encode("latin-1")) for name, value in headers)
    assert len(rates) <= 6
    for rate in rates:
        assert rate.of in ("requests", "tokens")
        assert 0 <= rate.reset_ms <= HINT_MS_MAX
