"""An engine process has no network, dies with its parent, and finds unix sockets as before."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

SHUT_IN = """
import os, socket, sys
from ringfence.confine import places
from ringfence.confine.enclose import enclose
from ringfence.confine.walls import Walls
internet = frozenset({socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK})
own = places.python() + places.SYSTEM
left = {"families": internet, "connects": None, "leaves_network": True, "starts_programs": True}
enclose(Walls(reads=places.LIBRARIES + own, runs=own, writes=("/proc",), **left))
os.execv(sys.executable, [sys.executable, "-P", "-c", sys.argv.pop(), *sys.argv[1:]])
"""
"""What a daemon that hosts vLLM does before it starts an engine."""

CODE = """
import os, socket, sys
from ringfenced.engines.confine import confine
before = os.readlink("/proc/self/ns/net")
confine(os.getppid(), needs_network=len(sys.argv) > 3)
print(os.readlink("/proc/self/ns/net") != before)
print(os.geteuid())
loop = socket.socket(); loop.bind(("127.0.0.1", 0)); loop.listen()
socket.create_connection(loop.getsockname()).close()
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=1)
    print("reached")
except OSError:
    print("cut off")
local = socket.socket(socket.AF_UNIX); local.connect(sys.argv[2]); print("unix")
"""


def may_unshare():
    code = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def told(*arguments):
    command = [sys.executable, "-P", "-c", CODE, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.split("\n")[:-1]


@pytest.mark.skipif(not may_unshare(), reason="the kernel forbids namespaces here: units and charts take the network")
def test_an_engine_leaves_the_network_and_keeps_its_user(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "s"))
        local.listen()
        port = str(there.getsockname()[1])
        assert told(port, str(tmp_path / "s")) == ["True", str(os.geteuid()), "cut off", "unix"]
        assert told(port, str(tmp_path / "s"), "network") == ["False", str(os.geteuid()), "reached", "unix"]


@pytest.mark.skipif(not may_unshare(), reason="the kernel forbids namespaces here: units and charts take the network")
def test_a_daemons_walls_leave_an_engine_its_own_loopback(tmp_path):
    """They leave it no datagram socket, and TCP to nobody but its own processes."""
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "s"))
        local.listen()
        command = [sys.executable, "-P", "-c", SHUT_IN, str(there.getsockname()[1]), str(tmp_path / "s"), CODE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        # Root without capabilities may not map itself (user_namespaces(7), CAP_SETFCAP); its files stay its own.
        user = str(os.geteuid() or 65534)
        assert done.stdout.split() == ["True", user, "cut", "off", "unix"], done.stderr
