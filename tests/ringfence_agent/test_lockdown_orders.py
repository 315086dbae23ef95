"""Who stops egress, who allows it again, and what waits for a second operator."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.lockdown_orders import Operators, Order, Standing, after, at, missing

ONE = Operators(1, 1, 1000)
TWO_TO_LIFT = Operators(1, 2, 1000)
TWO = Operators(2, 2, 1000)


def stop(by="anna", unix_ms=0, reason="drill"):
    return Order(on=True, reason=reason, by=by, unix_ms=unix_ms)


def lift(by="anna", unix_ms=0, reason="over"):
    return Order(on=False, reason=reason, by=by, unix_ms=unix_ms)


def conversation(operators, *orders, standing=Standing()):  # noqa: B008 - frozen
    for order in orders:
        standing = after(standing, order, operators)
    return standing


def test_one_operator_stops_and_lifts_where_one_suffices():
    stopped = conversation(ONE, stop(unix_ms=5))
    assert stopped == Standing(on=True, reason="drill", since_unix_ms=5, by=("anna",))
    assert conversation(ONE, stop(), lift(unix_ms=9)) == Standing(since_unix_ms=9, by=("anna",))


def test_a_lift_waits_for_a_second_operator_and_says_how_many_are_missing():
    waiting = conversation(TWO_TO_LIFT, stop(), lift(unix_ms=10))
    assert (waiting.on, waiting.waiting.by, waiting.waiting.until_unix_ms) == (True, ("anna",), 1010)
    assert missing(waiting, TWO_TO_LIFT) == 1
    lifted = conversation(TWO_TO_LIFT, lift("ben", 20), standing=waiting)
    assert (lifted.on, lifted.by, lifted.waiting) == (False, ("anna", "ben"), None)
    assert missing(lifted, TWO_TO_LIFT) == 0


def test_the_same_operator_twice_is_still_one():
    waiting = conversation(TWO_TO_LIFT, stop(), lift(), lift(unix_ms=500), lift(unix_ms=900))
    assert (waiting.on, waiting.waiting.by, waiting.waiting.until_unix_ms) == (True, ("anna",), 1000)


def test_an_order_for_what_holds_takes_back_the_one_that_waits():
    assert conversation(TWO_TO_LIFT, stop(), lift(), stop("ben"), lift("ben")).on
    assert not conversation(TWO, stop(), lift("ben"), stop("ben")).on


def test_time_takes_it_back_too():
    waiting = conversation(TWO_TO_LIFT, stop(), lift())
    assert at(waiting, 999) == waiting
    assert at(waiting, 1000) == replace(waiting, waiting=None)
    assert conversation(TWO_TO_LIFT, lift("ben", 1000), standing=waiting).on


def test_a_stop_that_two_must_order_changes_nothing_until_both_have():
    assert not conversation(TWO, stop()).on
    assert conversation(TWO, stop(), stop("ben")).by == ("anna", "ben")


orders = st.lists(
    st.builds(Order, on=st.booleans(), reason=st.just("r"), by=st.sampled_from("abc"), unix_ms=st.integers(0, 5000))
)


@given(orders, st.integers(1, 3), st.integers(0, 2))
def test_what_holds_was_ordered_by_enough_different_operators_in_time(given_orders, to_stop, more):
    """Whoever repeats themselves, and in whatever order: a change needs its number of people, and its minute."""
    operators = Operators(to_stop, to_stop + more, 1000)
    standing = Standing()
    for number, order in enumerate(sorted(given_orders, key=lambda one: one.unix_ms)):
        before, standing = standing, after(standing, order, operators)
        if standing.on != before.on:
            assert len(set(standing.by)) == len(standing.by) == operators.needed(on=order.on)
            early = sorted(given_orders, key=lambda one: one.unix_ms)[: number + 1]
            supporters = {one.by for one in early if one.on == order.on and order.unix_ms - one.unix_ms < 1000}
            assert set(standing.by) <= supporters
        elif standing.waiting:
            assert standing.waiting.on != standing.on
            assert 0 < missing(standing, operators) < operators.needed(on=standing.waiting.on)


@pytest.mark.parametrize("waiting_for", [1, 2, 3])
def test_one_operator_alone_never_lifts_where_more_are_asked_for(waiting_for):
    operators = Operators(1, waiting_for + 1, 1000)
    assert conversation(operators, stop(), *(lift(unix_ms=time) for time in range(0, 3000, 100))).on
