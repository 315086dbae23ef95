"""The process's own end: what it says when it cannot serve."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes.daemonfile import GOOD
from ringfenced.cli.app import app
from ringfenced.store.alone import alone

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
asyncio.run(daemon._serve(types.SimpleNamespace(workers=2), None, None, Report(Standing(), None)))
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


@pytest.fixture
def node():
    """A folder with a daemon's files, for one test, its path short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="rf-") as folder:
        assert CliRunner().invoke(app, ["dev-certs", folder]).exit_code == 0
        Path(folder, "daemon.toml").write_text(f'runtime = "{folder}/run"\n{GOOD}')
        yield Path(folder)


def test_a_ledger_that_cannot_be_opened_is_one_line_and_no_traceback(node):
    """A full disk and a file that is no ledger alike: whoever reads the log sees why, and no stack."""
    (node / "state").mkdir()
    (node / "state" / "ledger.sqlite3").write_bytes(b"no ledger " * 1000)
    assert _cannot_serve(node) == "file is not a database"


@pytest.mark.parametrize(("held", "named"), [("run/lock", "run"), ("state/ledger.sqlite3.lock", "state")])
def test_a_second_daemon_in_the_same_folder_does_not_start(node, held, named):
    """It would take the first one's engines, or write its wallets: whatever else they have apart."""
    folder = node / named
    folder.mkdir()
    with alone(node / held):
        assert f"another daemon uses {folder}; stop it" in _cannot_serve(node)


def _cannot_serve(folder: Path) -> str:
    """Why a daemon with the configuration in `folder` ended, as the last line of its log has it."""
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon"))
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "ringfenced", "--config", str(folder / "daemon.toml")],
        env={**os.environ, "PYTHONPATH": roots},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 1
    lines = [json.loads(line) for line in (ended.stdout + ended.stderr).splitlines()]
    assert lines[-1]["event"] == "cannot_serve"
    return str(lines[-1]["problem"])
