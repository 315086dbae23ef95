"""The process's own end: what it says when it cannot serve."""

import json
import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from fakes.daemonfile import GOOD
from ringfenced.cli.app import app

ROOT = Path(__file__).parents[2]


def test_a_worker_that_is_not_shut_in_is_the_daemons_end_too():
    """With the status that its unit does not start again."""
    code = """
import asyncio, types
from ringfence.confine.begin import NotConfined, Report
from ringfence.confine.enclose import Standing
from ringfenced import __main__ as daemon
async def supervise(*_):
    async with asyncio.TaskGroup():
        raise NotConfined("a worker is not shut in")
daemon._supervise = supervise
asyncio.run(daemon._serve(types.SimpleNamespace(workers=2), None, None, Report(Standing(), (), tested=False)))
"""
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon"))
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": roots},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (ended.returncode, ended.stderr) == (77, "a worker is not shut in\n")


def test_a_ledger_that_cannot_be_opened_is_one_line_and_no_traceback(short_folder):
    """A full disk and a file that is no ledger alike: whoever reads the log sees why, and no stack."""
    assert CliRunner().invoke(app, ["dev-certs", str(short_folder)]).exit_code == 0
    (short_folder / "daemon.toml").write_text(GOOD)
    (short_folder / "state").mkdir()
    (short_folder / "state" / "ledger.sqlite3").write_bytes(b"no ledger " * 1000)
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon"))
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "ringfenced", "--config", str(short_folder / "daemon.toml")],
        env={**os.environ, "PYTHONPATH": roots},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 1
    lines = [json.loads(line) for line in (ended.stdout + ended.stderr).splitlines()]
    assert lines[-1]["event"] == "cannot_serve"
    assert lines[-1]["problem"] == "file is not a database"
