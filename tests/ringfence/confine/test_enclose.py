"""Real processes that shut themselves in on this kernel, and what they then cannot do."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from fakes.enclosed import enclosed, heard, lacking
from ringfence.confine import landlock
from ringfence.confine.attempts.table import ALL

needs_landlock = pytest.mark.skipif(bool(lacking()), reason=lacking())

OPEN = {
    # Code that already runs gains nothing by loading more of it; units forbid it.
    "ld-preload",
    "dlopen-written",
}
"""What no walls of a process's own stop."""


@pytest.fixture
def outside():
    """A process outside."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


@needs_landlock
def test_nothing_gets_out_of_a_process_with_nothing_left(tmp_path, outside):
    """Every attempt, in a process that may only start programs and write in one folder."""
    (tmp_path / "outside").mkdir()
    path = str(tmp_path / "outside" / "s")
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0ringfence-test-" + path)
        abstract.listen()
        said = enclosed(
            walls={"writes": [str(tmp_path)], "starts_programs": True, "devices": ["/dev/null", "/dev/urandom"]},
            pid=outside,
            writable=[str(tmp_path)],
            abstract="ringfence-test-" + path,
        )
    escaped = {name for name, (outcome, _) in said["results"].items() if outcome == "escaped"}
    assert escaped == OPEN
    assert said["landlock"] == landlock.version()
    assert said["seccomp"]
    assert said["missing"] == []
    assert len(said["results"]) == len(ALL)
    assert said["results"]["unix-abstract"][0] == "blocked"
    blocked = [name for name, (outcome, _) in said["results"].items() if outcome == "blocked"]
    assert len(blocked) >= 100


HARMLESS = [
    *("ptrace", "proc-mem-read", "process-vm-readv", "pidfd-getfd", "kill", "prlimit", "exec-written", "memfd-exec"),
    *("memfd-exec-path", "mmap-write-execute", "mprotect-execute", "personality", "setuid-file", "netlink-route"),
    *("io-uring-socket", "keyctl", "kcmp", "proc-environ", "proc-fd", "exec-written-script", "listen-tcp"),
]
"""Attempts that work where nothing shuts a process in, send nothing, and leave nothing behind."""


def test_the_attempts_work_where_nothing_is_in_their_way(tmp_path, outside):
    """A check that cannot fail shows nothing."""
    said = enclosed(walls={}, apply=False, only=HARMLESS, pid=outside, writable=[str(tmp_path)])
    escaped = {name for name, (outcome, _) in said["results"].items() if outcome == "escaped"}
    assert len(escaped) >= len(HARMLESS) - 6, said  # containers of CI forbid some


@needs_landlock
def test_tcp_reaches_the_ports_that_are_left_and_no_other():
    with socket.create_server(("127.0.0.1", 0)) as left, socket.create_server(("127.0.0.1", 0)) as other:
        walls = {"families": [2], "connects": [left.getsockname()[1]]}
        for server, expected in ((left, "escaped"), (other, "blocked")):
            port = server.getsockname()[1]
            tries = ["tcp4", "tcp4-fast-open", "mptcp", "udp4", "listen-tcp"]
            said = enclosed(walls=walls, only=tries, address4="127.0.0.1", port=port)["results"]
            assert said["tcp4"][0] == expected
            assert {said[name][0] for name in tries[1:]} == {"blocked"}


def reused(shut):
    """What came of new sockets, and of those that such a process had when it was shut in."""
    code = f"""
import json, socket
from ringfence.confine import enclose
from ringfence.confine.attempts.outcome import Given
from ringfence.confine.attempts.run import tried
from ringfence.confine.attempts.table import named
from ringfence.confine.walls import Walls
listening = socket.create_server(("127.0.0.1", 0))
caller = socket.create_connection(listening.getsockname())
accepted, _ = listening.accept()
elsewhere = socket.create_server(("127.0.0.1", 0))
{shut}
given = Given(accepted=accepted.fileno(), listening=listening.fileno(), address4="127.0.0.1",
              port=elsewhere.getsockname()[1])
tries = [named(name) for name in ("tcp4", "tcp4-reused-accepted", "tcp4-reused-listener")]
print(json.dumps([result.outcome.value for _, result in tried(tries, given, at_once=1)]))
"""
    return heard("-c", code)


def test_a_filter_alone_leaves_the_sockets_that_are_there():
    """Why `narrow` does not stand in for Landlock, and is said to."""
    assert reused("") == ["escaped"] * 3
    assert reused("assert enclose.narrow(Walls())") == ["blocked", "escaped", "escaped"]


@needs_landlock
def test_landlock_judges_them_too():
    assert reused("enclose.enclose(Walls(families=frozenset({2}), listens=frozenset({0})))") == ["blocked"] * 3


@needs_landlock
def test_files_are_read_and_written_where_that_is_left(tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("mine/a", "other"):
        (tmp_path / name).write_text("x")
    code = f"""
from pathlib import Path
def tries(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"
mine, other = Path({str(tmp_path / "mine")!r}), Path({str(tmp_path)!r})
said["tries"] = [
    tries(lambda: (mine / "a").read_text()), tries(lambda: (mine / "b").write_text("y")),
    tries(lambda: (mine / "b").rename(mine / "c")), tries(lambda: (mine / "c").unlink()),
    tries(lambda: (other / "other").read_text()), tries(lambda: (other / "new").write_text("y")),
    tries(lambda: (mine / "a").rename(other / "a")), tries(lambda: list(other.iterdir())),
]
"""
    said = enclosed(walls={"writes": [str(tmp_path / "mine")]}, only=["setuid-program"], code=code)
    assert said["tries"][:4] == ["done"] * 4
    assert set(said["tries"][4:]) <= {"PermissionError", "OSError"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "other"]


@needs_landlock
def test_what_it_starts_is_shut_in_as_well(tmp_path):
    """A program of its own, in a session of its own, reads no more than it may."""
    (tmp_path / "secret").write_text("x")
    code = f"""
import subprocess, sys
reading = "print(open({str(tmp_path / "secret")!r}).read())"
done = subprocess.run([sys.executable, "-I", "-c", reading], capture_output=True, text=True, start_new_session=True)
said["child"] = done.stderr
"""
    said = enclosed(walls={"starts_programs": True}, only=["setuid-program"], code=code)
    assert "PermissionError" in said["child"]


def test_it_has_no_rights_to_lose_any_more():
    """No capabilities, no new ones, no core dump, nobody of its user looks inside."""
    code = """
import ctypes, resource
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
said["status"] = {name: status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs")}
said["core"] = resource.getrlimit(resource.RLIMIT_CORE)
said["dumpable"] = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
"""
    said = enclosed(walls={}, only=["setuid-program"], code=code)
    assert said["core"] == [0, 0]
    assert said["dumpable"] == 0
    assert said["status"]["NoNewPrivs"] == "1"
    none = {int(said["status"][name], 16) for name in ("CapEff", "CapPrm", "CapAmb")}
    assert none == {0}
    if os.geteuid() == 0:
        assert int(said["status"]["CapBnd"], 16) == 0


@needs_landlock
def test_landlock_after_threads_is_told_as_lacking_and_the_filter_holds_for_all():
    """A thread that was there before would stay outside: better no wall than one with a door."""
    code = """
import socket, threading
from ringfence.confine.enclose import narrow
from ringfence.confine.walls import Walls
go, results = threading.Event(), []
def make():
    go.wait()
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
        results.append("made")
    except OSError as error:
        results.append(error.errno)
thread = threading.Thread(target=make)
thread.start()
said["before"] = socket.socket(socket.AF_INET, socket.SOCK_STREAM).close() is None
said["narrowed"] = narrow(Walls())
go.set()
thread.join()
said["after"] = results
"""
    said = enclosed(walls={"families": [2]}, threads=2, only=["setuid-program"], code=code)
    assert said["landlock"] == 0
    assert said["missing"] == ["Landlock is not in force: 2 threads were there before it"]
    assert said["seccomp"]
    assert said["narrowed"]
    assert said["before"]
    assert said["after"] == [97]  # EAFNOSUPPORT


@needs_landlock
def test_callbacks_of_c_libraries_work_where_they_are_left():
    """ctypes makes them in memory that is written and executed, by a file in memory where that is forbidden."""
    code = """
import ctypes
kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 3)(3, 1, 2)
ctypes.CDLL(None).qsort(numbers, 3, 4, kind(lambda a, b: a[0] - b[0]))
said["sorted"] = list(numbers)
"""
    said = enclosed(walls={"makes_callbacks": True}, only=["mmap-write-execute", "memfd-exec-path"], code=code)
    assert said["sorted"] == [1, 2, 3]
    assert {outcome for outcome, _ in said["results"].values()} == {"blocked"}
