"""What is read of systemd, here with programs that answer as its own do."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ringfenced.cli.doctoring import look_systemd
from ringfenced.cli.doctoring.units import AGENT, DAEMON, PROXY, UnitFacts

CONFINED = json.dumps({"event": "confined", "landlock": 7, "seccomp": True, "self_test": "passed"})


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """Let a journal say some lines; gives the words with which it was asked."""
    (tmp_path / "bin").mkdir()

    def says(*lines):
        (tmp_path / "lines").write_text("".join(f"{line}\n" for line in lines))
        program = tmp_path / "bin/journalctl"
        program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\nexec cat {tmp_path}/lines\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
        return tmp_path / "asked"

    return says


def unit(name=DAEMON, **values):
    return UnitFacts(name, {"ActiveState": "active", "InvocationID": "abc"} | values)


def test_what_each_process_said_before_the_service_was_ready_is_found(journal):
    """A supervisor and its worker; what comes later is not waited for."""
    asked = journal("gRPC says something", CONFINED, CONFINED, '{"event":"ready"}', CONFINED)
    (found,) = look_systemd.self_tests([unit()])
    assert (found.unit, len(found.said)) == (DAEMON, 2)
    assert "_SYSTEMD_INVOCATION_ID=abc" in asked.read_text()


def test_only_daemon_and_agent_are_asked_and_only_where_they_run(journal):
    """The rest confine nothing themselves."""
    journal(CONFINED)
    found = look_systemd.self_tests([unit(AGENT), unit(PROXY), unit(ActiveState="failed")])
    assert [each.unit for each in found] == [AGENT]


def test_a_journal_that_says_nothing_is_one_that_was_not_seen(journal):
    """It may have been rotated away."""
    journal()
    assert look_systemd.self_tests([unit()])[0].said == ()
    assert look_systemd.self_tests([unit(InvocationID="")])[0].said == ()


def test_a_journal_that_does_not_answer_is_not_waited_for(journal, tmp_path, monkeypatch):
    """A disk that hangs must not keep the rest of what doctor finds from whoever asked."""
    journal()
    (tmp_path / "lines").unlink()
    os.mkfifo(tmp_path / "lines")  # nobody writes
    monkeypatch.setattr(look_systemd, "_SECONDS_MAX", 0.3)
    began_s = time.monotonic()
    assert look_systemd.self_tests([unit()])[0].said == ()
    assert time.monotonic() - began_s < 30


@pytest.fixture
def group():
    """A control group of this test's own."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    top = next((Path(words[1]) for words in mounts if words[2] == "cgroup2"), None)
    if top is None:
        pytest.skip("no cgroup v2 is mounted")
    made = top / "ringfence-test-packet-filters"
    try:
        made.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield made
    made.rmdir()


def test_a_group_that_nobody_filters_has_no_filter(group):
    """Where the kernel does not say, nothing is claimed."""
    assert look_systemd.packet_filters(group) in {0, None}


@pytest.mark.skipif(shutil.which("bpftool") is None, reason="bpftool says the same, and is not installed")
def test_the_count_is_bpftools(group):
    """For a group that anybody filters on this machine."""
    listed = subprocess.run(["bpftool", "cgroup", "tree", "-j"], capture_output=True, text=True, check=False)
    groups = json.loads(listed.stdout or "[]")
    for each in groups:
        kinds = [one["attach_type"] for one in each["programs"]]
        wanted = min(kinds.count("cgroup_inet_ingress"), kinds.count("cgroup_inet_egress"))
        assert look_systemd.packet_filters(Path(each["cgroup"])) == wanted


def test_a_group_that_is_not_there_is_not_known(tmp_path):
    """And so is a folder that is none."""
    assert look_systemd.packet_filters(tmp_path / "none") is None
    assert look_systemd.packet_filters(tmp_path) is None


def test_this_very_machine_can_be_asked():
    look_systemd.self_tests(look_systemd.units() or ())


def test_a_systemd_that_does_not_answer_is_one_that_was_not_seen(monkeypatch):
    def silent(*arguments, **options):
        raise subprocess.TimeoutExpired("systemctl", 10)

    monkeypatch.setattr(look_systemd.Path, "is_dir", lambda self: True)
    monkeypatch.setattr(look_systemd.shutil, "which", lambda name: name)
    monkeypatch.setattr(look_systemd.subprocess, "run", silent)
    assert look_systemd.units() is None
