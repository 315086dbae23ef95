"""What the self-test tries follows from the walls, and what worked is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from ringfence.confine import selftest
from ringfence.confine.attempts.outcome import Attempt, Given, NotHere
from ringfence.confine.attempts.table import ALL
from ringfence.confine.enclose import Standing
from ringfence.confine.walls import Walls

INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


def names(walls):
    return {attempt.name for attempt in selftest.applicable(walls, Given())}


def test_where_nothing_is_left_all_is_tried_that_reaches_nobody():
    """What is not tried would ask a host that exists, or needs a helper outside."""
    left_out = {attempt.name for attempt in ALL} - names(Walls())
    assert left_out == selftest._NEVER
    assert {"tcp4", "udp6", "io-uring-connect", "metadata", "listen-tcp", "ptrace", "exec-written"} <= names(Walls())


CONNECTIONS = {
    *("tcp4", "tcp6", "tcp4-mapped", "tcp4-reused-accepted", "tcp4-reused-listener"),
    "io-uring-connect",
}


@pytest.mark.parametrize(
    ("walls", "left_out"),
    [
        (Walls(families=INTERNET, listens=frozenset({443})), {"listen-tcp"}),
        (Walls(families=INTERNET, connects=frozenset({9})), CONNECTIONS),
        (Walls(families=INTERNET, connects=frozenset({53})), {"dns-over-tcp"}),
        (Walls(families=INTERNET, connects=frozenset({443})), set()),
        (
            Walls(families=INTERNET, has_datagrams=True),
            {"udp4", "udp6", "dns-by-hand", "listen-udp", "unix-resolver"},
        ),
        (Walls(families=frozenset({socket.AF_NETLINK})), {"netlink-route"}),
        (Walls(writes_code=True), {"mmap-write-execute", "mprotect-execute"}),
        (Walls(makes_callbacks=True), set()),
        (Walls(makes_callbacks=True, starts_programs=True), {"memfd-exec-path"}),
        (Walls(leaves_network=True), {"unshare-user", "unshare-net"}),
        (Walls(writes=("/dev/shm",)), {"write-dev-shm"}),
        (Walls(writes=("/var/tmp/state",)), set()),
        (Walls(writes=("/var",)), {"write-var-tmp", "write-var-log", "write-var-spool"}),
    ],
)
def test_what_walls_leave_open_is_not_tried(walls, left_out):
    assert names(Walls()) - names(walls) == left_out


def attempt(name, function):
    return Attempt(name, "A test's.", function)


def refused(given):
    raise PermissionError(1, "no")


def absent(given):
    raise NotHere("not on this machine")


def told(given):
    return f"waited {given.wait_s} s, answered {given.is_answered}"


@pytest.mark.parametrize(
    ("walls", "standing", "silent"),
    [
        (Walls(), Standing(), False),
        (Walls(families=INTERNET), Standing(landlock=4), False),
        (Walls(families=INTERNET), Standing(landlock=3), True),
        (Walls(families=INTERNET, connects=None), Standing(landlock=7), True),
    ],
)
def test_escapes_are_those_that_worked(monkeypatch, walls, standing, silent):
    """Where nothing here judges ports, silence of an address that nobody has shows nothing."""
    monkeypatch.setattr(selftest, "ALL", (attempt("a", refused), attempt("b", told), attempt("c", absent)))
    found = selftest.trial(walls, standing, Given())
    escape = selftest.Escape("b", f"waited 0.05 s, answered {silent}")
    assert found == selftest.Trial((escape,), made=2, not_here=1)


def broken(given):
    raise ValueError("a defect")


def killed(given):
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_shows_nothing_is_told_and_counts_for_nothing(monkeypatch):
    """A child that dies before it could try has tried nothing."""
    kinds = (attempt("a", broken), attempt("b", refused), attempt("c", killed), attempt("d", absent))
    monkeypatch.setattr(selftest, "ALL", kinds)
    found = selftest.trial(Walls(), Standing(), Given())
    assert found == selftest.Trial((), made=1, not_here=1, unclear=("a: ValueError: a defect", "c: killed by SIGKILL"))


@pytest.mark.parametrize(("abi", "promised"), [(0, set()), (5, {"secrets"}), (6, {"secrets", "kill"})])
def test_what_the_kernel_has_nothing_against_is_told_and_not_promised(monkeypatch, abi, promised):
    """A way out of the machine is promised shut on every kernel."""
    kinds = tuple(attempt(name, told) for name in ("secrets", "kill", "udp4"))
    monkeypatch.setattr(selftest, "ALL", kinds)
    found = selftest.trial(Walls(), Standing(landlock=abi), Given()).escapes
    assert {one.name for one in found} == {"secrets", "kill", "udp4"}
    assert {one.name for one in found if one.is_promised} == {"udp4", *promised}


def test_a_host_that_answers_and_must_not_be_reached_is_told(monkeypatch):
    """So a NetworkPolicy that is not in force yet is noticed."""
    monkeypatch.setattr(selftest, "ALL", ())
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        (found,) = selftest.trial(Walls(), Standing(), Given(), (address,)).escapes
        assert found == selftest.Escape(f"reach {address}", f"connected to {address}")


CODE = """
import json, sys, time
from ringfence.confine import places
from ringfence.confine.begin import begin
from ringfence.confine.walls import Walls
walls = Walls(reads=places.python() + places.SYSTEM + ("/proc",), writes=(sys.argv[1],))
report = begin(walls, apply=True, required=False, self_test="enforce", writable=(sys.argv[1],))
print(json.dumps([report.fields(), report.problem]))
"""


def test_it_passes_for_a_process_that_is_shut_in(tmp_path):
    """All of it, on this kernel."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", CODE, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    fields, problem = json.loads(done.stdout)
    if fields["missing"]:
        pytest.skip(f"this kernel lacks something: {problem}")
    assert fields["self_test"] == "passed"
    assert fields["tried"] >= 80
    assert fields["unclear"] == []
    assert problem == ""
    assert list(tmp_path.iterdir()) == []
