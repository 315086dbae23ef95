"""Breakers by target, kind of request, trouble and tenant: nobody takes a target away from the others."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from ringfenced.model import Target, TargetKind
from ringfenced.schedule.trouble import Told, Trouble
from ringfenced.site.breakers import Breakers, Route

CLOUD = Target(TargetKind.PROVIDER, "gpt", provider="acme")
OTHER = Target(TargetKind.PROVIDER, "gpt", provider="other")
DOWN = Told(Trouble.UNREACHABLE)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def route(tenant="one", action="generate", target=CLOUD):
    return Route(target, action, tenant)


def made():
    clock = Clock()
    return Breakers(clock, lambda: 1.0), clock


def trip(breakers, to, told=DOWN, caller="a"):
    for _ in range(8):
        breakers.failed(to, told, caller)


def test_a_tenant_is_kept_away_and_told_why():
    """And from that target alone, for that kind of request alone."""
    breakers, _ = made()
    trip(breakers, route())
    assert breakers.closed("generate", "one") == {CLOUD: "left alone for another 2.0 s, for it could not be reached"}
    assert not breakers.closed("embed", "one")
    assert not breakers.closed("generate", "two")
    assert not breakers.begin(route("two"))
    assert not breakers.begin(route(target=OTHER))
    assert breakers.opened() == {(CLOUD, "unreachable"): 1}


def test_two_tenants_in_the_same_trouble_close_it_to_everybody():
    """Then it is plainly the target's; two different troubles are not."""
    breakers, _ = made()
    trip(breakers, route("one"))
    trip(breakers, route("two"), Told(Trouble.OVERLOADED))
    assert not breakers.closed("generate", "three")
    trip(breakers, route("two"))
    assert CLOUD in breakers.closed("generate", "three")
    assert breakers.begin(route("three"))
    assert breakers.open()[CLOUD, "unreachable"] == 2


def test_after_a_rest_one_request_goes_and_its_answer_opens_the_way():
    """The others wait for it."""
    breakers, clock = made()
    trip(breakers, route())
    clock.now_s = 2.0
    assert not breakers.closed("generate", "one")
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
    breakers.failed(route(), DOWN, "a")
    clock.now_s = 5.9
    assert breakers.begin(route())
    clock.now_s = 6.0
    assert not breakers.begin(route())


def test_a_rate_limit_closes_at_once_for_as_long_as_it_says():
    """The provider said when to come again."""
    breakers, clock = made()
    breakers.failed(route(), Told(Trouble.RATE_LIMITED, 30.0), "a")
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
    breakers.failed(route(), Told(Trouble.RATE_LIMITED, 1.0), "a")
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
def test_one_tenants_trouble_never_keeps_another_away_and_always_passes(steps):
    """Whatever happens to one tenant, the other goes where it went; and the one may come again."""
    breakers, clock = made()
    for what, trouble, asked_s, caller, seconds in steps:
        clock.now_s += seconds
        if what == "failed":
            breakers.failed(route(), Told(trouble, asked_s), caller)
        else:
            getattr(breakers, what)(route())
        assert not breakers.closed("generate", "two")
    clock.now_s += 3600
    assert not breakers.closed("generate", "one")
    assert not breakers.begin(route())
    breakers.answered(route())
    assert not breakers.open()
