"""`make demo`: the bundled model in a real engine, the real agent, llama_cpp.server as the provider; ends by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.journey, pytest.mark.llama]


def test_the_demonstration_comes_out_as_it_says_and_leaves_no_process_behind():
    pytest.importorskip("llama_cpp")
    before = {process.pid for process in psutil.process_iter()}
    done = subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Everything came out as expected" in done.stdout
    assert "the log is whole" in done.stdout
    left = [
        process.cmdline()
        for process in psutil.process_iter()
        if process.pid not in before and any("ringfence-demo-" in word for word in _words(process))
    ]
    assert not left


def _words(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []
