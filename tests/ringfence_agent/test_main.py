"""The agent's command: what it says, it says itself."""

import json
import os
import subprocess
import sys

from fakes.agent import ROOT, folder

PROGRAM = """
import logging, sys, uvloop
from ringfence_agent import __main__

def run(serving):
    serving.close()
    logging.getLogger("httpx").error("what the patient said")

uvloop.run = run
sys.argv = ["ringfence-agent", "--config", "agent.toml"]
sys.exit(__main__.main())
"""


def test_what_libraries_warn_of_does_not_reach_stderr(tmp_path):
    """It may hold content; without any handler, the standard library would write it there."""
    folder(tmp_path, "https://localhost:1/v1")
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "agent"))
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": roots},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    assert [json.loads(line)["event"] for line in ended.stderr.splitlines()] == ["confined"]
