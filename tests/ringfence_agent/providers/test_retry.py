"""Trying again where that helps, and leaving alone what is down."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.providers import Finish, ProviderError, Tally, TextDelta
from ringfence_agent.providers.breaker import Breaker, BreakerSettings
from ringfence_agent.providers.rates import Rate, Spent
from ringfence_agent.providers.retry import Resilient, RetrySettings, wait_seconds
from ringfence_agent.providers.translated import AllBusy

FINISH = Finish("stop", 1, 1, 0)
PASSING = ("rate_limited", "overloaded", "unreachable")
LASTING = ("credentials", "rejected", "bad_answer", "too_long", "deadline")


def out_of_reach(*script):
    """A provider to which there is no connection, so that nothing is sent, and then as in `script`."""
    provider = Scripted([failing("unreachable")], *script)
    provider.connects = False
    return provider


def failing(reason, retry_after_ms=None):
    return ProviderError(reason, f"the provider is {reason}", retry_after_ms)


class Scripted:
    """A provider whose every send takes the next line of its script; the last is repeated."""

    def __init__(self, *script):
        self.script = list(script)
        self.sent = []
        self.seconds = []
        self.clock_s = 0.0
        self.takes_s = 0.0
        self.connects = True

    def encode(self, payload, wire_model):
        return b"{}"

    async def send(self, wire_model, body, tally, seconds_max):
        assert wire_model == "gpt-5"
        self.sent.append(body)
        self.seconds.append(seconds_max)
        tally.bytes_out += len(body) * self.connects
        self.clock_s += self.takes_s
        for event in self.script.pop(0) if len(self.script) > 1 else self.script[0]:
            if isinstance(event, BaseException):
                raise event
            yield event

    async def aclose(self):
        pass


class Telling(Scripted):
    """A provider whose answers tell of its rates."""

    rates = ()

    async def send(self, wire_model, body, tally, seconds_max):
        tally.rates = self.rates
        async for event in super().send(wire_model, body, tally, seconds_max):
            yield event


async def test_the_last_answer_says_what_is_spent_and_for_how_long():
    provider = Telling([FINISH])
    resilient = around(provider)
    await events_of(resilient)
    assert resilient.spent("gpt-5") is None
    provider.rates = (Rate("requests", 0, None, 4000),)
    await events_of(resilient)
    assert resilient.spent("gpt-5") == Spent("requests", 4000)
    assert resilient.spent("other") is None
    provider.rates = ()
    await events_of(resilient)
    provider.clock_s += 3.0
    assert resilient.spent("gpt-5") == Spent("requests", 1000), "an answer that says nothing changes nothing"
    provider.clock_s += 1.0
    assert resilient.spent("gpt-5") is None


async def test_an_answer_that_limits_tells_of_its_rates_too():
    provider = Telling([failing("rate_limited")])
    provider.rates = (Rate("tokens", 0, 1000, 60_000),)
    resilient = around(provider, attempts_max=1)
    with pytest.raises(ProviderError):
        await events_of(resilient)
    assert resilient.spent("gpt-5") == Spent("tokens", 3000)


async def test_one_request_that_is_too_large_closes_nothing():
    """A provider answers it with a 429 and a Retry-After, and that is its caller's trouble alone."""
    resilient = around(Scripted([failing("rate_limited", 9000)]), attempts_max=1)
    with pytest.raises(ProviderError):
        await events_of(resilient)
    assert resilient.spent("gpt-5") is None


def around(provider, attempts_max=2, failures_max=100, random=lambda: 0.0):
    settings = BreakerSettings(failures_max=failures_max, open_seconds=10.0)
    clock = lambda: provider.clock_s  # noqa: E731 - read where it is used
    return Resilient(provider, RetrySettings(attempts_max, 5.0), Breaker(settings), clock, random)


async def events_of(resilient, tally=None, seconds_max=60.0):
    async with contextlib.aclosing(resilient.send("gpt-5", b"body", tally or Tally(), seconds_max)) as answer:
        return [event async for event in answer]


@pytest.mark.parametrize("reason", PASSING)
async def test_a_failure_that_may_pass_is_tried_again_with_the_same_bytes(reason):
    provider, tally = Scripted([failing(reason)], [TextDelta("Hello"), FINISH]), Tally()
    assert await events_of(around(provider), tally) == [TextDelta("Hello"), FINISH]
    assert provider.sent == [b"body", b"body"]
    assert (tally.attempts, tally.bytes_out) == (2, 8)


@pytest.mark.parametrize("reason", LASTING)
async def test_a_failure_that_would_come_again_is_told_at_once(reason):
    provider, tally = Scripted([failing(reason)], [FINISH]), Tally()
    with pytest.raises(ProviderError) as raised:
        await events_of(around(provider), tally)
    assert raised.value.reason == reason
    assert tally.attempts == 1


@pytest.mark.parametrize("reason", PASSING)
async def test_once_something_was_generated_nothing_is_tried_again(reason):
    """It was paid for, and the caller has seen it."""
    provider = Scripted([TextDelta("Hel"), failing(reason)], [FINISH])
    answer = around(provider).send("gpt-5", b"body", Tally(), 60.0)
    assert await anext(answer) == TextDelta("Hel")
    with pytest.raises(ProviderError):
        await anext(answer)
    assert len(provider.sent) == 1


async def test_the_last_failure_is_told_after_so_many_tries():
    provider, tally = Scripted([failing("overloaded", 1)], [failing("unreachable")]), Tally()
    with pytest.raises(ProviderError) as raised:
        await events_of(around(provider, attempts_max=3), tally)
    assert raised.value.reason == "unreachable"
    assert tally.attempts == 3


async def test_a_provider_that_asks_for_a_long_wait_is_believed_and_not_tried():
    """The daemon gets the hint, and may go elsewhere meanwhile."""
    provider = Scripted([failing("rate_limited", 7000)], [FINISH])
    with pytest.raises(ProviderError) as raised:
        await events_of(around(provider))
    assert raised.value.retry_after_ms == 7000
    assert len(provider.sent) == 1


async def test_no_try_begins_after_the_time_is_up_and_each_gets_what_is_left():
    provider = Scripted([failing("overloaded")], [failing("overloaded")], [FINISH])
    provider.takes_s = 6.0
    with pytest.raises(ProviderError):
        await events_of(around(provider, attempts_max=5), seconds_max=10.0)
    assert provider.seconds == [10.0, 4.0]


async def test_hanging_up_during_the_wait_ends_it():
    """A lockdown ends sends in this way; nothing more leaves."""
    provider = Scripted([failing("rate_limited", 4000)], [FINISH])
    sending = asyncio.ensure_future(events_of(around(provider)))
    while not provider.sent:  # noqa: ASYNC110 - the loop's own next turns, not time
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert len(provider.sent) == 1


async def fail_often(resilient, times, callers=("one", "two")):
    """By callers in turn, the last by the last of them."""
    for number in range(times):
        with pytest.raises(ProviderError):
            await events_of(resilient, Tally(caller=callers[(number + len(callers) - times) % len(callers)]))


@pytest.mark.parametrize("reason", ["overloaded", "unreachable"])
async def test_a_provider_that_is_down_is_left_alone_and_that_says_for_how_long(reason):
    provider = Scripted([failing(reason)])
    resilient = around(provider, attempts_max=1, failures_max=3)
    await fail_often(resilient, 3)
    assert resilient.is_resting
    tally = Tally()
    with pytest.raises(ProviderError, match="left alone") as raised:
        await events_of(resilient, tally)
    assert (raised.value.reason, raised.value.retry_after_ms) == ("overloaded", 10_000)
    assert (tally.attempts, tally.bytes_out, len(provider.sent)) == (0, 0, 3)


async def test_after_its_rest_one_request_finds_it_well_again():
    provider = out_of_reach([FINISH])
    resilient = around(provider, attempts_max=1, failures_max=1)
    await fail_often(resilient, 1)
    provider.clock_s = 10.0
    assert not resilient.is_resting
    assert await events_of(resilient) == [FINISH]
    assert await events_of(resilient) == [FINISH]


@pytest.mark.parametrize("error", [*map(failing, ("rejected", "credentials", "rate_limited", "too_long", "deadline"))])
async def test_what_a_caller_brings_about_itself_never_trips_it(error):
    """Nor does a key that is wrong, or a caller in too much of a hurry."""
    resilient = around(Scripted([error]), attempts_max=1, failures_max=1)
    await fail_often(resilient, 5)
    assert not resilient.is_resting


async def test_our_own_limit_on_connections_says_nothing_of_the_provider():
    resilient = around(Scripted([AllBusy("overloaded", "busy")]), attempts_max=1, failures_max=1)
    await fail_often(resilient, 5)
    assert not resilient.is_resting


async def test_a_provider_that_says_nothing_for_long_is_down():
    provider = Scripted([failing("deadline")])
    provider.takes_s = 30.0
    resilient = around(provider, attempts_max=1, failures_max=2)
    await fail_often(resilient, 2)
    assert resilient.is_resting


@pytest.mark.parametrize("error", [*map(failing, ("overloaded", "deadline"))])
async def test_one_callers_requests_close_the_provider_to_nobody(error):
    """A request that makes the provider fail, sent again and again; until a second caller meets the same."""
    provider = Scripted([error])
    provider.takes_s = 30.0
    resilient = around(provider, attempts_max=1, failures_max=3)
    await fail_often(resilient, 20, callers=("one",))
    assert not resilient.is_resting
    await fail_often(resilient, 1, callers=("two",))
    assert resilient.is_resting


async def test_no_further_try_where_the_first_tripped_it():
    provider, tally = out_of_reach([FINISH]), Tally()
    with pytest.raises(ProviderError, match="is unreachable"):
        await events_of(around(provider, failures_max=1), tally)
    assert tally.attempts == 1


async def test_a_caller_that_hangs_up_during_a_trial_keeps_nobody_else_out():
    provider = out_of_reach([asyncio.CancelledError()], [FINISH])
    resilient = around(provider, attempts_max=1, failures_max=1)
    await fail_often(resilient, 1)
    provider.clock_s = 10.0
    with pytest.raises(asyncio.CancelledError):
        await events_of(resilient)
    assert not resilient.is_resting
    assert await events_of(resilient) == [FINISH]


async def test_an_answer_that_begins_during_a_trial_lets_the_others_in():
    """It need not end first, which may take minutes."""
    provider = out_of_reach([TextDelta("Hel"), FINISH])
    resilient = around(provider, attempts_max=1, failures_max=1)
    await fail_often(resilient, 1)
    provider.clock_s = 10.0
    answer = resilient.send("gpt-5", b"body", Tally(), 60.0)
    assert await anext(answer) == TextDelta("Hel")
    assert not resilient.is_resting
    await answer.aclose()


@given(st.none() | st.integers(0, 10**7), st.integers(1, 5), st.floats(0, 1), st.floats(0, 60))
def test_a_wait_is_as_long_as_the_provider_asks_and_no_longer_than_allowed(retry_after_ms, attempts, drawn, most):
    wait_s = wait_seconds(retry_after_ms, attempts, drawn, most)
    asked_s = (retry_after_ms or 0) / 1000
    if asked_s > most:
        assert wait_s is None
    else:
        assert asked_s <= wait_s <= most


def test_waits_are_drawn_from_a_bound_that_doubles():
    assert [wait_seconds(None, attempts, 1.0, 60.0) for attempts in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert wait_seconds(None, 3, 0.0, 60.0) == 0.0
