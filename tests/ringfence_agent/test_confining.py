"""What is left to the agent: its log, its providers' ports, a resolver; and no program to start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.agent import ROOT, folder
from ringfence_agent import config, confining


@pytest.fixture
def walls(tmp_path):
    """The walls for a provider at an address, with more lines for the file's end."""

    def of(base_url="https://api.provider.example/v1", more="", **changes):
        file = folder(tmp_path, base_url, **changes)
        file.write_text(file.read_text() + more)
        settings, _ = config.load(file)
        return confining.walls(settings, file, Path("/run/credentials/agent"), "")

    return of


def test_it_reaches_its_providers_ports_and_a_resolver(walls):
    found = walls()
    assert found.families == {socket.AF_INET, socket.AF_INET6}
    assert found.connects == {53, 443}
    assert found.has_datagrams
    assert walls("https://localhost:8443/v1").connects == {53, 8443}
    assert walls(proxy='"http://proxy.site.example:3128"').connects == {53, 3128}
    assert walls(more="[confine]\nconnect = [8080]\n").connects == {53, 443, 8080}


def test_it_starts_no_program_and_executes_nothing_that_it_wrote(walls):
    found = walls()
    assert not found.starts_programs
    assert not found.writes_code
    assert not found.makes_callbacks
    assert found.runs == ()


def test_it_writes_its_log_and_what_lies_beside_its_socket(walls, tmp_path):
    found = walls()
    assert set(found.writes) == {str(tmp_path), str(tmp_path / "log"), str(tmp_path / "cache")}
    (tmp_path / "salt.key").write_bytes(bytes(32))
    more = f'[archive]\ndirectory = "{tmp_path}/archive"\nrecipient = "x"\nretention_days = 1\n'
    assert str(tmp_path / "archive") in walls(more=more).writes


def test_it_listens_where_its_file_says_so(tmp_path):
    """And keeps the one capability that a low port takes."""
    file = folder(tmp_path, "https://localhost:1/v1")
    address = f'address = "unix:{tmp_path}/agent.sock"'
    file.write_text(file.read_text().replace(address, 'address = "0.0.0.0:443"\nhealth = "[::]:7444"'))
    settings, _ = config.load(file)
    found = confining.walls(settings, file)
    assert found.listens == {443, 7444}
    assert found.capabilities == {confining.CAP_NET_BIND_SERVICE}


def run(file, **environment):
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "agent"))
    return subprocess.run(
        [sys.executable, "-P", "-m", "ringfence_agent", "--config", str(file)],
        env={**os.environ, "PYTHONPATH": roots, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_does_not_serve_where_a_way_out_works(tmp_path):
    """A host that must not be reached, at a port that is left for providers: the walls cannot tell them apart."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        file = folder(tmp_path, f"https://localhost:{port}/v1")
        confine = f'[confine]\nself_test = "enforce"\nunreachable = ["127.0.0.1:{port}"]\n'
        file.write_text(file.read_text() + confine)
        done = run(file)
    assert done.returncode == 77
    assert f"reach 127.0.0.1:{port}: connected" in done.stderr
    assert not (tmp_path / "agent.sock").exists()


def test_it_does_not_serve_where_something_is_lacking_that_must_not(tmp_path):
    file = folder(tmp_path, "https://localhost:1/v1")
    file.write_text(file.read_text() + '[confine]\napply = false\nrequired = true\nself_test = "off"\n')
    done = run(file)
    assert done.returncode == 77
    assert "confine.required is set, and the process is not shut in" in done.stderr
