"""What vLLM's processes print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]

PROGRAM = """
import os, subprocess, sys, time
from ringfenced.engines.vllm.quiet import StderrRelay

relay = StderrRelay()
child = subprocess.Popen(["/bin/sh", "-c", "echo loading >&2; echo {early} >&2; read x; echo content >&2; echo >&1"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
time.sleep(0.2)
print(relay.ran_out())
relay.silence()
child.stdin.write(b"\\n")
child.stdin.flush()
child.stdout.readline()
os.write(2, b"content")
time.sleep(0.1)
relay.last_words("the end")
"""


def said(early):
    done = subprocess.run(
        (sys.executable, "-c", PROGRAM.format(early=early)),
        env={"PYTHONPATH": f"{ROOT / 'proto'}:{ROOT / 'daemon'}"},
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stderr, done.stdout.strip()


def test_children_are_heard_until_readiness_and_never_after():
    stderr, ran_out = said("weights")
    assert stderr == "loading\nweights\nthe end\n"
    assert ran_out == "False"


@pytest.mark.parametrize(
    "line",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "ValueError: No available memory for the cache blocks.",
    ],
)
def test_it_is_seen_that_memory_ran_out(line):
    assert said(line)[1] == "True"
