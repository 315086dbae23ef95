"""Whom an engine answers, also where the daemon's session was begun outside of the container that it runs in."""

from __future__ import annotations

import subprocess
import sys

import pytest

OUTSIDE = ("unshare", "--user", "--map-root-user", "--pid", "--fork")
"""A namespace of processes whose first one stays in the session of who made it, as a container's may."""

CODE = """
import os, socket, subprocess, sys
from ringfenced.engines.server import EngineServer

path = sys.argv[1]
CONNECT = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)"
with socket.socket(socket.AF_UNIX) as door:
    door.bind(path)
    door.listen()
    server = EngineServer(os.getpid())
    print("session", os.getsid(0))
    for stranger in (False, True):
        with subprocess.Popen([sys.executable, "-I", "-c", CONNECT, path], start_new_session=stranger):
            with door.accept()[0] as accepted:
                print(server.answers(accepted))
"""


def told(path, *around):
    command = [*around, sys.executable, "-P", "-c", CODE, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.splitlines()


def may_leave():
    try:
        return subprocess.run([*OUTSIDE, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def test_an_engine_answers_its_parents_session_alone(short_folder):
    assert told(short_folder / "inside")[1:] == ["True", "False"]


@pytest.mark.skipif(not may_leave(), reason="the kernel forbids namespaces here, or util-linux is not installed")
def test_a_session_from_outside_the_container_is_one_too(short_folder):
    """Its number is 0 there, which is no leave for everybody."""
    assert told(short_folder / "outside", *OUTSIDE) == ["session 0", "True", "False"]
