"""`ringfence install` with the agent's set alone."""

import json
import subprocess
import sys

import pytest

from ringfenced.cli.installing import plain

BARE = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"typer", "click", "rich", "psutil", "grpc", "google", "pydantic", "cryptography"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "typer" else found(name, package)
from ringfenced.cli import main
main()
"""
"""The program in an environment that lacks what the daemon's set has beyond the agent's, and more."""


def bare(*arguments):
    return subprocess.run(
        [sys.executable, "-c", BARE, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_units_are_laid_down_without_a_library_for_command_lines(root, ringfence):
    done = bare("install", "--root", str(root), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert (root / "usr/lib/systemd/system/ringfence-agent.service").is_file()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"do": "write", "what": "/etc/ringfence/ringfence-agent.toml", "why": ""} in lines
    again = [json.loads(line) for line in ringfence("install", "--json").stdout.splitlines()]
    assert [(line["what"], line["do"]) for line in again] == [(line["what"], "same") for line in lines]


def test_any_other_command_says_what_it_takes():
    done = bare("doctor")
    assert done.returncode == 2
    assert "invalid choice: 'doctor'" in done.stderr
    assert "images/install.sh daemon" in bare("--help").stdout.replace("\n", " ")


def test_what_is_wrong_is_told_with_what_to_do(root, capsys):
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/ringfenced").write_text("another's")
    assert plain.main(["install", "--root", str(root), "--links"]) == 1
    assert "--no-links" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--json"]])
def test_a_dry_run_does_nothing(root, options, capsys):
    assert plain.main(["install", "--root", str(root), *options]) == 0
    assert "/etc/ringfence/ringfenced.toml" in capsys.readouterr().out
    assert not list(root.iterdir())
