"""Quotas: never overshot, whatever the order of things; and what the log says is what counts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ringfence_agent.quotas import KEYS_MAX, Amount, Charge, Per, Quota, Quotas

NOW = 1_800_000_000_000
MINUTE = Quota(Per.CALLER, "", 60, 3, None, None)


def charge(unix_ms=NOW, *, requests=1, size=10, cost=5, caller="c", department="d", provider="p"):
    return Charge((caller, department, provider), Amount(requests, size, cost), unix_ms)


def intent(permit, made):
    caller, department, provider = made.names
    return {
        "kind": "intent",
        "permit_sha256": permit,
        "caller": caller,
        "department": department,
        "provider": provider,
        "bytes_out": made.amount.bytes,
        "cost_microcredits_max": made.amount.cost_microcredits,
        "time_unix_ms": made.unix_ms,
    }


def used(quotas, count, unix_ms=NOW, **changes):
    """How many of `count` sends find room."""
    return sum(quotas.reserve(f"{unix_ms}-{number}", charge(unix_ms, **changes)) is None for number in range(count))


def test_as_many_as_the_quota_and_not_one_more():
    quotas = Quotas([MINUTE])
    assert used(quotas, 1000) == 3
    assert used(quotas, 1000, caller="other") == 3


def test_what_is_full_says_when_it_has_room():
    quotas = Quotas([MINUTE])
    for number in range(3):
        made = charge(NOW + number * 10_000)
        assert quotas.reserve(str(number), made) is None
        quotas.see(number, intent(str(number), made))
    full = quotas.reserve("x", charge(NOW + 30_000))
    assert full.quota == MINUTE
    later = NOW + 30_000 + full.retry_after_ms
    assert quotas.reserve("x", charge(later - 1000)) is not None
    assert quotas.reserve("x", charge(later)) is None


def test_a_provider_s_own_quota_says_how_long_it_is_full():
    """Whoever asks; the quotas of callers say nothing of a provider, nor one provider's of another."""
    quotas = Quotas([Quota(Per.PROVIDER, "p", 60, 2, None, None), MINUTE])
    assert quotas.wait_ms("p", NOW) == 0
    for number in range(2):
        made = charge(NOW, caller=str(number))
        assert quotas.reserve(str(number), made) is None
        quotas.see(number, intent(str(number), made))
    wait_ms = quotas.wait_ms("p", NOW + 5000)
    assert quotas.reserve("x", charge(NOW + 5000 + wait_ms - 1000, caller="new")) is not None
    assert quotas.wait_ms("p", NOW + 5000 + wait_ms) == 0
    assert quotas.reserve("x", charge(NOW + 5000 + wait_ms, caller="new")) is None
    assert quotas.wait_ms("other", NOW) == 0


def test_what_can_never_fit_says_so():
    full = Quotas([Quota(Per.PROVIDER, "p", 60, None, 9, None)]).reserve("x", charge(size=10))
    assert full.retry_after_ms is None


def test_each_limit_counts_and_a_name_narrows_it():
    limits = [
        Quota(Per.PROVIDER, "p", 3600, None, 100, None),
        Quota(Per.DEPARTMENT, "d", 3600, None, None, 25),
        Quota(Per.CALLER, "nobody", 3600, 0, None, None),
    ]
    quotas = Quotas(limits)
    assert used(quotas, 100) == 5  # 25 of cost
    assert used(quotas, 100, department="e") == 5  # what is left of 100 bytes
    assert used(quotas, 100, department="f", provider="q") == 100
    assert used(quotas, 1, caller="nobody", provider="q", department="g") == 0


def test_what_never_became_durable_gives_its_room_back():
    quotas = Quotas([MINUTE])
    assert used(quotas, 3) == 3
    quotas.release(f"{NOW}-1")
    quotas.release("unheard of")
    assert used(quotas, 5, unix_ms=NOW + 1) == 1


def test_the_real_cost_takes_the_place_of_the_estimate_and_no_outcome_keeps_it():
    quotas = Quotas([Quota(Per.DEPARTMENT, "", 3600, None, None, 100)])
    for number, cost in enumerate((80, 20)):
        made = charge(cost=cost)
        assert quotas.reserve(str(number), made) is None
        quotas.see(number, intent(str(number), made))
    assert quotas.reserve("x", charge(cost=1)) is not None
    quotas.see(2, {"kind": "outcome", "intent": 0, "cost_microcredits": 30})
    assert quotas.reserve("x", charge(cost=50)) is None
    quotas.see(3, {"kind": "outcome", "intent": 1})
    assert quotas.reserve("y", charge(cost=1)) is not None


def test_after_a_restart_the_log_counts_and_reservations_do_not():
    quotas = Quotas([MINUTE])
    made = charge()
    assert quotas.reserve("a", made) is None
    quotas.see(0, intent("a", made))
    assert quotas.reserve("b", made) is None
    kept = json.loads(json.dumps(quotas.dump()))
    again = Quotas([MINUTE])
    again.load(kept)
    again.see(1, intent("c", made))
    assert used(again, 5) == 1
    replayed = Quotas([MINUTE])
    replayed.see(0, intent("a", made))
    replayed.see(1, intent("c", made))
    assert replayed.dump() == again.dump()


def test_a_window_that_was_not_counted_before_is_not_taken_for_an_empty_one():
    """After a change of the configuration only the whole log can tell; fewer windows are no trouble."""
    one, two = (Quotas([Quota(Per.CALLER, "", window_s, 9, None, None)]) for window_s in (60, 3600))
    with pytest.raises(ValueError, match="not counted"):
        two.load(json.loads(json.dumps(one.dump())))
    Quotas([]).load(one.dump())


def test_a_daemon_that_invents_callers_fills_no_memory():
    quotas = Quotas([MINUTE])
    used = [["caller", str(each), 60, [[NOW // 1000, 1, 1, 1]]] for each in range(KEYS_MAX)]
    quotas.load({**quotas.dump(), "used": used})
    assert quotas.reserve("x", charge(caller="one more")) is not None
    assert quotas.reserve("x", charge(caller="7")) is None
    assert quotas.reserve("y", charge(NOW + 120_000, caller="one more")) is None


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=60), st.integers(1, 5))
def test_no_stretch_of_a_windows_length_holds_more_than_the_quota(steps_ms, requests_max):
    quotas = Quotas([Quota(Per.CALLER, "", 60, requests_max, None, None)])
    taken, now = [], NOW
    for number, step_ms in enumerate(steps_ms):
        now += step_ms // 4
        made = charge(now)
        if quotas.reserve(str(number), made) is None:
            quotas.see(number, intent(str(number), made))
            taken.append(now)
    for first in taken:
        assert sum(first <= each < first + 60_000 for each in taken) <= requests_max


class Crashing(RuleBasedStateMachine):
    """Reservations, entries, outcomes and restarts in any order, beside a model that only adds up."""

    def __init__(self):
        super().__init__()
        self.quota = Quota(Per.DEPARTMENT, "", 86_400, 6, 100, 60)
        self.quotas = Quotas([self.quota])
        self.reserved, self.durable, self.open, self.log = {}, [], {}, []

    @rule(size=st.integers(0, 50), cost=st.integers(0, 40))
    def ask(self, size, cost):
        made = charge(size=size, cost=cost)
        name = f"p{len(self.log)}-{len(self.reserved)}-{len(self.durable)}"
        total = self.total().plus(made.amount)
        full = self.quotas.reserve(name, made)
        assert (full is not None) == self.quota.exceeded(total)
        if full is None:
            self.reserved[name] = made

    @rule()
    def write(self):
        if self.reserved:
            name, made = self.reserved.popitem()
            self.log.append(intent(name, made))
            self.open[len(self.log) - 1] = made.amount
            self.quotas.see(len(self.log) - 1, self.log[-1])

    @rule(cost=st.integers(0, 40))
    def end(self, cost):
        if self.open:
            index, amount = self.open.popitem()
            self.durable.append(amount._replace(cost_microcredits=cost))
            self.log.append({"kind": "outcome", "intent": index, "cost_microcredits": cost})
            self.quotas.see(len(self.log) - 1, self.log[-1])

    @rule(snapshot=st.booleans())
    def crash(self, snapshot):
        kept = self.quotas.dump()
        self.quotas, self.reserved = Quotas([self.quota]), {}
        if snapshot:
            self.quotas.load(kept)
        else:
            for index, record in enumerate(self.log):
                self.quotas.see(index, record)

    def total(self):
        total = Amount()
        for amount in (*self.durable, *self.open.values(), *(made.amount for made in self.reserved.values())):
            total = total.plus(amount)
        return total

    @invariant()
    def the_next_send_is_judged_by_what_is_used(self):
        probe = Amount(1, 0, 0)
        full = self.quotas.reserve("probe", charge(size=0, cost=0))
        assert (full is not None) == self.quota.exceeded(self.total().plus(probe))
        self.quotas.release("probe")


TestCrashing = Crashing.TestCase
