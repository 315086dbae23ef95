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


def left(given):
    os._exit(3)


@pytest.mark.parametrize(
    ("function", "outcome", "detail"),
    [
        (lambda _: "got it", Outcome.ESCAPED, "got it"),
        (refused, Outcome.BLOCKED, "ENETUNREACH: Network is unreachable"),
        (absent, Outcome.NOT_HERE, "no such thing on this machine"),
        (broken, Outcome.BLOCKED, "ValueError: a defect"),
        (killed, Outcome.BLOCKED, "killed by SIGSYS"),
        (left, Outcome.BLOCKED, "ended with 3"),
    ],
)
def test_what_came_of_it_is_told(function, outcome, detail):
    assert result_of(function) == (outcome, detail)


def test_what_hangs_is_ended(monkeypatch):
    """And counts as blocked: nothing was got."""
    monkeypatch.setattr(run, "PATIENCE_S", 0.2)
    assert result_of(lambda _: time.sleep(60)) == (Outcome.BLOCKED, "nothing came of it in 0.2 s")


def test_what_an_attempt_gains_stays_in_its_child():
    """Its own process is as it was."""
    before = Path.cwd()
    assert result_of(lambda _: os.chdir("/") or "moved")[0] is Outcome.ESCAPED
    assert Path.cwd() == before


def test_results_come_in_order_however_long_each_takes():
    attempts = [attempt(lambda _, s=s: time.sleep(s) or "x", f"a{n}") for n, s in enumerate([0.2, 0.0, 0.1, 0.0])]
    assert [one.name for one, _ in run.tried(attempts, Given(), at_once=3)] == ["a0", "a1", "a2", "a3"]


def test_no_descriptor_stays_open():
    before = len(list(Path("/proc/self/fd").iterdir()))
    list(run.tried([attempt(lambda _: "x")] * 20, Given()))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_long_details_are_cut():
    """They are for people, and a child's report fits into its pipe."""
    assert len(result_of(lambda _: "x" * 10_000)[1]) == 512
