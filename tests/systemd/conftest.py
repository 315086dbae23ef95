"""A machine's root as a package leaves it, for systemd-analyze to look at; nothing is installed or started."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringfenced.cli.app import app

SOURCE = Path(__file__).parents[2] / "systemd"
HOST_UNITS = Path("/usr/lib/systemd/system")

Units = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="session")
def source() -> Path:
    """What a package installs."""
    return SOURCE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Our units, as `ringfence install` puts them beside the machine's own, and a stub for each program they start."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian: apt install systemd)")
    units = tmp_path / "usr/lib/systemd/system"
    shutil.copytree(HOST_UNITS, units, symlinks=True)
    installed = CliRunner().invoke(app, ["install", "--root", str(tmp_path)])
    assert installed.exit_code == 0, installed.output
    for unit in (*SOURCE.glob("*.service"), *SOURCE.glob("*.socket")):
        assert (units / unit.name).is_file()
        for program in re.findall(r"^Exec(?:Start|Reload)=(\S+)", unit.read_text(), re.MULTILINE):
            stub = tmp_path / program.lstrip("/")
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.write_text("#!/bin/sh\n")
            stub.chmod(0o755)
    return tmp_path


@pytest.fixture
def analyze() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run systemd-analyze."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture(scope="session")
def units() -> Units:
    """Every unit's settings: unit to key to the words of all its lines, in their order."""
    found: Units = {}
    for path in (*SOURCE.glob("*.service"), *SOURCE.glob("*.socket")):
        settings = found.setdefault(path.name, {})
        for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", path.read_text(), re.MULTILINE):
            settings.setdefault(key, []).extend(value.split())
    return found
