"""Attempts are made one by one in children, and whatever ends a child, nothing was got."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from ringfence.confine.attempts import run
from ringfence.confine.attempts.outcome import Attempt, Given, NotHere, Outcome


def attempt(function, name="test"):
    return Attempt(name, "A test's.", function)


def result_of(function):
    ((_, result),) = run.tried([attempt(function)], Given())
    return result.outcome, result.detail


def refused(given):
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


def absent(given):
    raise NotHere("no such thing on this machine")


def broken(given):
    raise ValueError("a defect")


def killed(given):
    os.kill(os.getpid(), signal.SIGSYS)
    return "lived"


def crashed(given):
    os.kill(os.getpid(), signal.SIGKILL)


def ended(given):
    os.kill(os.getpid(), signal.SIGRTMIN + 1)


def left(given):
    os._exit(3)


def vanished(given):
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("function", "outcome", "detail"),
    [
        (lambda _: "got it", Outcome.ESCAPED, "got it"),
        (refused, Outcome.BLOCKED, "ENETUNREACH: Network is unreachable"),
        (absent, Outcome.NOT_HERE, "no such thing on this machine"),
        (broken, Outcome.UNCLEAR, "ValueError: a defect"),
        (killed, Outcome.BLOCKED, "killed by SIGSYS"),
        (crashed, Outcome.UNCLEAR, "killed by SIGKILL"),
        (ended, Outcome.UNCLEAR, f"killed by signal {signal.SIGRTMIN + 1}"),
        (left, Outcome.UNCLEAR, "ended with 3"),
        (vanished, Outcome.UNCLEAR, "ended with 0"),
    ],
)
def test_what_came_of_it_is_told(function, outcome, detail):
    """The same whether each has a child of its own or all have one."""
    assert result_of(function) == (outcome, detail)
    several = [attempt(one) for one in (refused, function, absent, function, function, killed, refused)]
    found = [(result.outcome, result.detail) for _, result in run.tried_together(several, Given())]
    assert [found[1], found[3], found[4]] == [(outcome, detail)] * 3
    assert [one[0].value for one in found[::6]] == ["blocked", "blocked"]
    assert len(found) == len(several)


def test_what_hangs_is_ended(monkeypatch):
    """And shows nothing: no wall keeps anybody waiting."""
    monkeypatch.setattr(run, "PATIENCE_S", 0.2)
    assert result_of(lambda _: time.sleep(60)) == (Outcome.UNCLEAR, "nothing came of it in 0.2 s")
    hanging = [attempt(refused), attempt(lambda _: time.sleep(60)), attempt(refused)]
    told = [result.detail.partition(":")[0] for _, result in run.tried_together(hanging, Given())]
    assert told == ["ENETUNREACH", "nothing came of it in 0.2 s", "ENETUNREACH"]


def test_what_an_attempt_gains_stays_in_its_child():
    """Its own process is as it was."""
    before = Path.cwd()
    assert result_of(lambda _: os.chdir("/") or "moved")[0] is Outcome.ESCAPED
    assert Path.cwd() == before


def test_nor_does_it_help_the_next_attempt():
    """Whatever works ends the child that made it."""
    moved = [attempt(lambda _: os.chdir("/") or "moved"), attempt(lambda _: str(Path.cwd()))]
    assert [result.detail for _, result in run.tried_together(moved, Given())] == ["moved", str(Path.cwd())]


def test_attempts_that_fail_share_a_child():
    """Forking a large process is what takes the time."""
    told = [attempt(lambda _: absent_at(os.getpid())) for _ in range(30)]
    assert len({result.detail for _, result in run.tried_together(told, Given())}) == 1


def absent_at(pid):
    raise NotHere(f"process {pid}")


def test_results_come_in_order_however_long_each_takes():
    attempts = [attempt(lambda _, s=s: time.sleep(s) or "x", f"a{n}") for n, s in enumerate([0.2, 0.0, 0.1, 0.0])]
    assert [one.name for one, _ in run.tried(attempts, Given(), at_once=3)] == ["a0", "a1", "a2", "a3"]


def test_no_descriptor_stays_open():
    before = len(list(Path("/proc/self/fd").iterdir()))
    list(run.tried([attempt(lambda _: "x")] * 20, Given()))
    list(run.tried_together([attempt(lambda _: "x"), attempt(killed), attempt(refused)] * 5, Given()))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_long_details_are_cut():
    """They are for people, and a child's report fits into its pipe."""
    assert len(result_of(lambda _: "x" * 10_000)[1]) == 512
