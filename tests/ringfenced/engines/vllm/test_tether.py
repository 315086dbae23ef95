"""No process is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ringfenced.engines.vllm.tether import descendants

ROOT = Path(__file__).parents[4]

FAMILY = """
import multiprocessing, os, signal, sys, time
from ringfenced.engines.vllm import tether

def sleep(is_tied):
    if is_tied:
        tether.tie()
    time.sleep(60)

def parent(is_tied):
    multiprocessing.get_context("fork").Process(target=sleep, args=(is_tied,)).start()
    sleep(is_tied)

if __name__ == "__main__":
    tether.adopt()
    child = multiprocessing.get_context("fork").Process(target=parent, args=(sys.argv[1] == "tied",))
    child.start()
    while len(tether.descendants(os.getpid())) < 2:
        time.sleep(0.01)
    print("ready", flush=True)
    sys.stdin.readline()
    if sys.argv[1] == "reap":
        os.kill(child.pid, signal.SIGKILL)  # its child becomes ours
        child.join()
        print(len(tether.descendants(os.getpid())), flush=True)
        tether.reap()
        print(len([pid for pid in tether.descendants(os.getpid()) if not is_zombie(pid)]), flush=True)
        os._exit(0)
    time.sleep(60)
""".replace("import multiprocessing", "from pathlib import Path\nimport multiprocessing", 1).replace(
    "def sleep(", "def is_zombie(pid):\n    return ') Z ' in Path(f'/proc/{pid}/stat').read_text()\n\ndef sleep(", 1
)


@pytest.fixture
def family(tmp_path):
    """A process with a child and a grandchild."""
    program = tmp_path / "family.py"
    program.write_text(FAMILY)
    processes = []

    def start(how):
        process = subprocess.Popen(
            (sys.executable, program, how),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": f"{ROOT / 'proto'}:{ROOT / 'daemon'}"},
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process, descendants(process.pid)

    yield start
    for process in processes:
        for pid in descendants(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def is_running(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def until_gone(pids):
    began_s = time.monotonic()
    while any(map(is_running, pids)):
        assert time.monotonic() - began_s < 5
        time.sleep(0.005)


def test_descendants_are_found_parents_first(family):
    process, pids = family("loose")
    assert len(pids) == 2
    assert descendants(pids[0]) == pids[1:]
    assert process.pid not in pids


def test_whoever_is_tied_dies_with_the_one_that_started_it(family):
    process, pids = family("tied")
    process.kill()
    until_gone(pids)


def test_the_orphans_of_a_child_are_found_and_killed(family):
    process, pids = family("reap")
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "1\n"
    until_gone(pids)
    assert process.wait(timeout=5) == 0


SHARING = """
import multiprocessing, os, sys, time
from multiprocessing import shared_memory
from ringfenced.engines.vllm import tether

def share():
    tether.tie()
    memory = shared_memory.SharedMemory(create=True, size=4096)
    print(memory.name, flush=True)
    time.sleep(60)

if __name__ == "__main__":
    os.setpgid(0, 0)
    if sys.argv[1] == "sweep":
        tether.sweep()
        os._exit(0)
    multiprocessing.get_context("spawn").Process(target=share).start()
    sys.stdin.readline()
    tether.reap()
    os._exit(0)
"""


@pytest.fixture
def sharing(tmp_path):
    """Start a process whose child shares memory; return it and the memory's file."""
    program = tmp_path / "sharing.py"
    program.write_text(SHARING)
    processes = []

    def start(how="share"):
        process = subprocess.Popen(
            (sys.executable, program, how),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"PYTHONPATH": f"{ROOT / 'proto'}:{ROOT / 'daemon'}"},
        )
        processes.append(process)
        return process, Path("/dev/shm") / process.stdout.readline().strip()

    yield start
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_shared_memory_of_an_engine_goes_with_it(sharing):
    process, memory = sharing()
    assert memory.is_file()
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.wait(timeout=5) == 0
    assert not memory.exists()


def test_what_a_whole_killed_group_left_is_swept_and_what_others_use_is_not(sharing):
    """Nobody of the group is left to unlink it, the resource tracker neither."""
    killed, left = sharing()
    _, used = sharing()
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert left.exists()
    sweeping, _ = sharing("sweep")
    assert sweeping.wait(timeout=5) == 0
    assert not left.exists()
    assert used.exists()
