"""The command line says what came of each attempt, a line each, and whether any worked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys


def run(*arguments):
    command = [sys.executable, "-P", "-m", "ringfence.confine.attempts", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_json_lines_and_an_exit_status():
    """1 where something worked, 0 where nothing did."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = ("--address4", "127.0.0.1", "--port", str(server.getsockname()[1]))
        code, lines, _ = run("--json", "--only", "tcp4", "--only", "unix-given", *at)
        told = [json.loads(line) for line in lines]
        assert code == 1
        assert [(one["name"], one["outcome"]) for one in told] == [("tcp4", "escaped"), ("unix-given", "not here")]
        assert all(list(one) == ["name", "outcome", "detail"] for one in told)
    code, lines, _ = run("--json", "--only", "udp4", "--only", "unix-given", "--port", "0", "--address4", "256.0.0.1")
    assert (code, len(lines)) == (0, 2)


def test_where_nothing_could_be_tried_nothing_was_shown():
    """A job in a cluster that tries and must fail would pass for the wrong reason."""
    code, lines, _ = run("--json", "--only", "unix-given")
    assert (code, len(lines)) == (3, 1)


def test_a_list_for_people():
    code, lines, _ = run("--list")
    assert code == 0
    assert len(lines) >= 130
    assert lines[0].split() == ["tcp4", "A", "TCP", "connection", "over", "IPv4."]


def test_an_unknown_attempt_is_refused():
    code, _, told = run("--only", "tcp5")
    assert code == 2
    assert "tcp5" in told
