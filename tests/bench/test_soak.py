"""`make soak` in small: everything that can fail does, within a dozen seconds, and everything is accounted for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.journey


def test_a_dozen_seconds_of_everything_at_once_lose_nothing():
    """In a process of its own, as its mounts and its adopted orphans want; every event of the schedule happens once."""
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon", "agent", "tests"))
    command = [sys.executable, "bench/soak.py", "--minutes", "0.2", "--callers", "4", "--scripted-only"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": roots},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-3000:]
    assert "- result: passed" in done.stdout
    assert "| killed: daemon | 1 |" in done.stdout
