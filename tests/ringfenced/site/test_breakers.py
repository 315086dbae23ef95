"""Breakers by target, kind of request, trouble, tenant and caller: nobody takes a target away from the others."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ringfenced.model import Target, TargetKind
from ringfenced.schedule.trouble import RULES, Told, Trouble
from ringfenced.site.breakers import Breakers, Route

CLOUD = Target(TargetKind.PROVIDER, "gpt", provider="acme")
OTHER = Target(TargetKind.PROVIDER, "gpt", provider="other")
DOWN = Told(Trouble.UNREACHABLE)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def route(tenant="one", action="generate", target=CLOUD, caller="a"):
    return Route(target, action, tenant, caller)


def made():
    clock = Clock()
    return Breakers(clock, lambda: 1.0), clock


def trip(breakers, to, told=DOWN, callers="ab"):
    """As many failures as it takes, of each of some callers."""
    for caller in callers:
        for _ in range(8):
            breakers.failed(to._replace(caller=caller), told)


def closed(breakers, tenant="one", action="generate", caller="c"):
    """What is kept from somebody; from one who met nothing, unless more is said."""
    return breakers.closed(action, tenant, caller)


def test_a_tenant_is_kept_away_and_told_why():
    """And from that target alone, for that kind of request alone."""
    breakers, _ = made()
    trip(breakers, route())
    assert closed(breakers, "one") == {CLOUD: "left alone for another 2.0 s, for it could not be reached"}
    assert not closed(breakers, "one", "embed")
    assert not closed(breakers, "two")
    assert not breakers.begin(route("two"))
    assert not breakers.begin(route(target=OTHER))
    assert breakers.opened() == {(CLOUD, "unreachable"): 3}  # of two callers, and of their tenant


def test_two_tenants_in_the_same_trouble_close_it_to_everybody():
    """Then it is plainly the target's; two different troubles are not."""
    breakers, _ = made()
    trip(breakers, route("one"))
    trip(breakers, route("two"), Told(Trouble.OVERLOADED))
    assert not closed(breakers, "three")
    trip(breakers, route("two"))
    assert CLOUD in closed(breakers, "three")
    assert breakers.begin(route("three"))
    assert breakers.open()[CLOUD, "unreachable"] == 2


@pytest.mark.parametrize("trouble", list(Trouble))
def test_what_one_caller_meets_is_its_own_until_a_second_meets_it(trouble):
    """Whatever it is, a request may have brought it about; the caller itself is kept away all the same."""
    breakers, _ = made()
    trip(breakers, route(), Told(trouble), callers="a")
    assert "by this caller" in closed(breakers, caller="a")[CLOUD]
    assert not closed(breakers, caller="b")
    assert not breakers.begin(route(caller="b"))
    assert breakers.open() == {(CLOUD, str(trouble)): 1}
    for _ in range(RULES[trouble].failures_max):
        breakers.failed(route(caller="b"), Told(trouble))
    assert CLOUD in closed(breakers, caller="c")
    assert not closed(breakers, "two")


def test_an_answer_to_somebody_else_shows_that_it_is_one_callers_own():
    """The row of failures is broken, so that a second caller's begins anew."""
    breakers, _ = made()
    trip(breakers, route(), Told(Trouble.OVERLOADED), callers="a")
    breakers.answered(route(caller="b"))
    breakers.failed(route(caller="b"), Told(Trouble.OVERLOADED))
    assert not closed(breakers, caller="c")
    assert CLOUD in closed(breakers, caller="a")


def test_two_callers_in_two_tenants_close_it_to_themselves_alone():
    breakers, _ = made()
    trip(breakers, route("one"), callers="a")
    trip(breakers, route("two"), callers="b")
    for tenant in ("one", "two", "three"):
        assert not closed(breakers, tenant)


def test_a_trial_of_who_fails_alone_keeps_the_others_away_no_longer():
    """After the rest another goes at once, and its answer opens the way; a second one's failure closes it again."""
    breakers, clock = made()
    trip(breakers, route(), Told(Trouble.OVERLOADED))
    clock.now_s = 2.0
    assert not breakers.begin(route(caller="a"))
    breakers.failed(route(caller="a"), Told(Trouble.OVERLOADED))
    assert not breakers.begin(route(caller="c"))
    assert breakers.begin(route(caller="d"))
    breakers.failed(route(caller="c"), Told(Trouble.OVERLOADED))
    assert "another 4.0 s" in closed(breakers, caller="d")[CLOUD]


def test_callers_that_met_something_are_forgotten_where_they_are_too_many(monkeypatch):
    """Who may call may be a list of any length."""
    monkeypatch.setattr("ringfenced.site.breakers.CALLERS_MAX", 3)
    breakers, _ = made()
    for caller in "abcd":
        breakers.failed(route(f"tenant {caller}", caller=caller), Told(Trouble.RATE_LIMITED))
    assert [caller for caller in "abcd" if closed(breakers, f"tenant {caller}", caller=caller)] == ["b", "c", "d"]


def test_after_a_rest_one_request_goes_and_its_answer_opens_the_way():
    """The others wait for it."""
    breakers, clock = made()
    trip(breakers, route())
    clock.now_s = 2.0
    assert not closed(breakers, "one")
    assert not breakers.begin(route())
    assert breakers.begin(route())
    breakers.answered(route())
    assert not breakers.begin(route())
    assert not breakers.open()


def test_a_trial_that_fails_closes_it_for_longer_and_one_that_tells_nothing_lets_another_go():
    """Whoever hangs up during a trial must not keep the others out."""
    breakers, clock = made()
    trip(breakers, route())
    clock.now_s = 2.0
    assert not breakers.begin(route())
    breakers.untold(route())
    assert not breakers.begin(route())
    breakers.failed(route(), DOWN)
    clock.now_s = 5.9
    assert breakers.begin(route())
    clock.now_s = 6.0
    assert not breakers.begin(route())


def test_a_rate_limit_closes_at_once_for_as_long_as_it_says():
    """The provider said when to come again."""
    breakers, clock = made()
    breakers.failed(route(), Told(Trouble.RATE_LIMITED, 30.0))
    clock.now_s = 29.9
    assert breakers.begin(route())
    clock.now_s = 30.0
    assert not breakers.begin(route())


def test_other_trouble_during_a_trial_is_not_held_against_the_first():
    """Both have to pass."""
    breakers, clock = made()
    trip(breakers, route())
    clock.now_s = 2.0
    breakers.begin(route())
    breakers.failed(route(), Told(Trouble.RATE_LIMITED, 1.0))
    assert breakers.open() == {(CLOUD, "rate_limited"): 1}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["failed", "answered", "untold", "begin"]),
        st.sampled_from(list(Trouble)),
        st.none() | st.floats(0, 3600),
        st.sampled_from(["a", "b"]),
        st.floats(0, 60),
    ),
    max_size=60,
)


@given(STEPS)
def test_one_callers_trouble_never_keeps_another_away(steps):
    """Whatever its requests bring about, and in whatever order; what another meets at the same time is answered."""
    breakers, clock = made()
    for what, trouble, asked_s, _, seconds in steps:
        clock.now_s += seconds
        if what == "failed":
            breakers.failed(route(), Told(trouble, asked_s))
        else:
            getattr(breakers, what)(route())
        assert not closed(breakers, caller="b")
        assert not breakers.begin(route(caller="b"))
        breakers.answered(route(caller="b"))


@given(STEPS)
def test_one_tenants_trouble_never_keeps_another_away_and_always_passes(steps):
    """Whatever happens to one tenant, the other goes where it went; and the one may come again."""
    breakers, clock = made()
    for what, trouble, asked_s, caller, seconds in steps:
        clock.now_s += seconds
        if what == "failed":
            breakers.failed(route(caller=caller), Told(trouble, asked_s))
        else:
            getattr(breakers, what)(route(caller=caller))
        assert not closed(breakers, "two")
    clock.now_s += 3600
    assert not closed(breakers, "one")
    assert not breakers.begin(route())
    breakers.answered(route())
    assert not breakers.open()
