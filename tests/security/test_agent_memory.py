"""A provider's key is in the agent's memory, and nobody gets it from there, nor stands it anywhere else."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.agent import ROOT, agent_process, client, folder, gather, terms
from fakes.provider import StandInProvider
from ringfence.labels import Label, Level
from ringfenced.deidentify import deidentify
from ringfenced.model import Message, Prompt, Role, Text

KEY = "sk-canary-5f1d0c"
READER = """
import json, sys
told = {}
for name in ("environ", "mem", "auxv"):
    try:
        with open(f"/proc/{sys.argv[1]}/{name}", "rb") as file:
            told[name] = name if name == "mem" else bool(file.read(16))
    except OSError as error:
        told[name] = error.strerror
print(json.dumps(told))
"""
"""Another process of the same user: what it can open of a process."""


WITHOUT_POWER = ("setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace") if os.geteuid() == 0 else ()
"""Root may look into every process; without this capability it is a user like others (capabilities(7))."""


def seen_by_the_same_user(pid):
    """What another process of this user reads of `pid`."""
    command = [*WITHOUT_POWER, sys.executable, "-c", READER, str(pid)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


@contextlib.contextmanager
def process(program):
    """A small process that has run `program`."""
    command = [*WITHOUT_POWER, sys.executable, "-c", f"{program}; print(flush=True); input()"]
    roots = {**os.environ, "PYTHONPATH": str(ROOT / "proto")}
    started = subprocess.Popen(command, stdin=-1, stdout=-1, env=roots)
    started.stdout.readline()
    try:
        yield started.pid
    finally:
        started.communicate(b"\n")


def closed_by_this_kernel():
    """What a process can close to others of its user; some kernels, and sandboxes that stand for one, close less."""
    with process("pass") as ordinary, process("from ringfence.process import keep_memory; keep_memory()") as keeping:
        before, after = seen_by_the_same_user(ordinary), seen_by_the_same_user(keeping)
    return {name for name in before if before[name] != "Permission denied" and after[name] == "Permission denied"}


def read(place):
    return Path(place).read_bytes()


def payload():
    asked = Prompt(messages=(Message(Role.USER, (Text("What does a ward clerk do?"),)),))
    return deidentify(asked, (), Label(Level.PUBLIC), seed=bytes(32), scan=lambda _text: ())[0]


@pytest.mark.skipif(WITHOUT_POWER and not shutil.which("setpriv"), reason="setpriv (util-linux) is missing")
async def test_the_agents_memory_and_environment_are_closed_and_its_key_stands_nowhere(tmp_path):
    """Memory, environment and core dumps; then arguments, environment and log, after the key was used."""
    folder(tmp_path, "https://localhost:1/v1")
    async with StandInProvider(tmp_path) as provider:
        file = folder(tmp_path, provider.base_url)
        (tmp_path / "api.key").chmod(0o600)
        (tmp_path / "api.key").write_text(KEY)
        with agent_process(file, *WITHOUT_POWER) as running:
            async with client(tmp_path) as egress:
                await gather(egress.send(payload(), terms(), 10_000))
            pid = running.process.pid
            assert KEY in provider.heads[0]
            seen = seen_by_the_same_user(pid)
            assert {seen[name] for name in closed_by_this_kernel()} <= {"Permission denied"}
            core = next(line for line in read(f"/proc/{pid}/limits").splitlines() if b"Max core file size" in line)
            assert core.split()[4:6] == [b"0", b"0"]
            for place in (f"/proc/{pid}/cmdline", running.said, file, *(tmp_path / "log").iterdir()):
                assert KEY.encode() not in read(place), place
            with contextlib.suppress(PermissionError):  # closed, which is better still
                assert KEY.encode() not in read(f"/proc/{pid}/environ")
