"""Alerts are told in threads of their own, tried again, and kept until they were told."""

import threading

import pytest

from ringfenced.cli.auditing import dispatch
from ringfenced.cli.auditing.alert import Alert
from ringfenced.cli.auditing.dispatch import ActionError, Dispatcher


def alert(number):
    return Alert("r", "low", f"alert {number}", number)


class Way:
    """Fails as often as it is told to; waits at its gate."""

    def __init__(self, failures=0):
        self.failures, self.ran, self.gate = failures, [], threading.Event()
        self.gate.set()

    def run(self, alert):
        self.gate.wait(20)
        if self.failures:
            self.failures -= 1
            raise ActionError("down")
        self.ran.append(alert.said)


@pytest.fixture
def told():
    return []


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(dispatch, "wait_s", lambda *_: 0.001)


def test_each_way_tells_what_it_is_given_in_order(told):
    one, other = Way(), Way()
    dispatcher = Dispatcher({"one": one, "other": other}, told.append)
    for number in range(3):
        dispatcher.submit(alert(number), ("one", "other") if number else ("one", "nobody's"))
    assert dispatcher.drained(20)
    assert (one.ran, other.ran, told) == (["alert 0", "alert 1", "alert 2"], ["alert 1", "alert 2"], [])
    dispatcher.end()


def test_a_way_that_fails_is_tried_again_and_told_and_holds_up_no_other(told):
    bad, good = Way(failures=3), Way()
    bad.gate.clear()
    dispatcher = Dispatcher({"bad": bad, "good": good}, told.append)
    dispatcher.submit(alert(1), ("bad", "good"))
    while not good.ran:
        assert dispatcher.pending()
    bad.gate.set()
    assert dispatcher.drained(20)
    assert bad.ran == ["alert 1"]
    assert len(told) == 3
    assert "bad: down; trying again" in told[0]
    dispatcher.end()


def test_after_so_many_tries_it_is_given_up_and_told(told):
    way = Way(failures=2)
    dispatcher = Dispatcher({"way": way}, told.append, {"way": 2})
    dispatcher.submit(alert(1), ("way",))
    dispatcher.submit(alert(2), ("way",))
    assert dispatcher.drained(20)
    assert way.ran == ["alert 2"]
    assert told[-1] == "way: gave up 'alert 1' after 2 tries"
    dispatcher.end()


def test_what_was_not_told_can_be_kept_and_told_by_another_run(told):
    stuck = Way()
    stuck.gate.clear()
    before = Dispatcher({"way": stuck}, told.append)
    for number in range(3):
        before.submit(alert(number), ("way",))
    kept = before.pending()
    before.end()
    stuck.gate.set()
    way = Way()
    after = Dispatcher({"way": way}, told.append)
    after.resume([*kept, {"to": "a way that is gone", "alert": alert(9).fields()}])
    assert after.drained(20)
    assert way.ran == ["alert 0", "alert 1", "alert 2"]
    after.end()


def test_of_too_many_the_oldest_is_dropped_and_told(told, monkeypatch):
    monkeypatch.setattr(dispatch, "WAITING_MAX", 2)
    way = Way()
    way.gate.clear()
    dispatcher = Dispatcher({"way": way}, told.append)
    for number in range(3):
        dispatcher.submit(alert(number), ("way",))
    assert told == ["way: too many alerts wait; dropped 'alert 0'"]
    way.gate.set()
    assert dispatcher.drained(20)
    assert way.ran[-2:] == ["alert 1", "alert 2"]
    dispatcher.end()
