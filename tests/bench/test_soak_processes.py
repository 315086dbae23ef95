"""What a soak sees of processes: orphans, however deep, and what has ended; each in a process that adopts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADOPTING = """
import subprocess, time
from soak_parts.processes import adopt, below, names
adopt()
shell = subprocess.Popen(["sh", "-c", "sleep 60 & sleep 0.1; exit 0"])
shell.wait()
(left,) = below()
print("left", names([left])[0], left.ppid() == __import__("os").getpid())
left.kill()
deadline_s = time.monotonic() + 20
while below() and time.monotonic() < deadline_s:
    time.sleep(0.01)
print("after", below(), __import__("psutil").Process().children())
"""


def test_an_orphan_is_seen_and_what_has_ended_is_buried():
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon", "agent", "tests", "bench"))
    environment = {**os.environ, "PYTHONPATH": roots}
    done = subprocess.run(
        [sys.executable, "-c", ADOPTING], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == ["left sleep 60 True", "after [] []"], done.stderr
