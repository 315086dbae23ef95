"""The whole benchmark, short, on real processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = Path(__file__).resolve().parents[2] / "bench" / "flow.py"


def run(tmp_path, *arguments):
    finished = subprocess.run(
        [sys.executable, str(FLOW), "--quick", "--out", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    (written,) = tmp_path.glob("flow-*.json")
    return finished.stdout, json.loads(written.read_text())


def test_the_bare_side_alone_is_measured_and_written(tmp_path):
    printed, result = run(tmp_path, "--bare-only")
    assert "A/A" in printed
    assert result["requests"]["bare"]["completed"] > 0
    assert result["requests"]["bare"]["unfinished"] == 0
    assert result["values"]["unary: cpu_us"]["bare"][0] > 0


@pytest.mark.journey
def test_every_row_is_measured_and_no_request_is_lost(tmp_path):
    printed, result = run(tmp_path)
    for section in ("CPU per request", "TTFT at half load", "Two workers", "Cancel storm", "without engines"):
        assert section in printed
    closed = {side: counts for side, counts in result["requests"].items() if "open loop" not in side}
    assert closed.keys() >= {"bare", "one", "coalesced", "quiet", "two", "alone"}
    for counts in closed.values():
        assert {status for status, number in counts.items() if number} == {"completed"}
    assert len(result["aims"]) >= 10
    assert next(tmp_path.glob("flow-*.md")).read_text().startswith("# ringfenced beside bare gRPC")
