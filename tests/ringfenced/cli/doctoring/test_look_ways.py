"""Ways to providers, from a configuration and this host's own files."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ringfenced.cli.doctoring import as_agent, look_ways
from ringfenced.cli.doctoring.look_files import AgentFile
from ringfenced.cli.doctoring.units import AGENT, UnitFacts

IS_ROOT = os.geteuid() == 0


def agent(*providers):
    return AgentFile(Path("/etc/ringfence/ringfence-agent.toml"), {"providers": list(providers)})


@pytest.fixture
def etc(tmp_path):
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n192.0.2.10 api.example other # spare\n")
    (tmp_path / "resolv.conf").write_text("# ours\nnameserver 192.0.2.53\nsearch example\nnameserver none\n")
    return tmp_path


@pytest.fixture
def port():
    """Where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_each_provider_or_the_proxy_before_it_is_looked_at():
    """An address need not be asked for."""
    given = agent(
        {"name": "a", "base_url": "https://127.0.0.1/v1"},
        {"name": "b", "base_url": "https://api.example", "proxy": "http://127.0.0.2:3128"},
        "nonsense",
        {"name": "c"},
        {"name": "d", "base_url": 7},
        {"name": "e", "base_url": "https://api:port/"},
        {"name": "f", "base_url": "https://[/"},
    )
    found = look_ways.ways(given, None, reach=False)
    assert [(each.provider, each.host, each.port, each.addresses, each.resolvers) for each in found] == [
        ("a", "127.0.0.1", 443, ("127.0.0.1",), ()),
        ("b", "127.0.0.2", 3128, ("127.0.0.2",), ()),
    ]
    assert all(each.reached is None for each in found)


def test_a_name_without_an_address_is_a_problem(monkeypatch):
    """Nobody is asked here."""

    def unknown(*_asked, **_more):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    (found,) = look_ways.ways(agent({"name": "a", "base_url": "https://api.example"}), None, reach=True)
    assert (found.problem, found.reached) == ("Name or service not known", None)


@pytest.mark.parametrize(
    ("host", "known"), [("192.0.2.1", True), ("::1", True), ("other", True), ("spare", False), ("192", False)]
)
def test_names_in_hosts_and_addresses_are_known(etc, host, known):
    assert look_ways.is_known(host, etc) is known


def test_resolvers_are_those_of_resolv_conf(etc, tmp_path):
    assert look_ways.resolvers(etc) == ("192.0.2.53",)
    assert look_ways.resolvers(tmp_path / "none") == ()


def test_nothing_is_reached_for_an_agent_that_does_not_run_here():
    given = agent({"name": "a", "base_url": "https://127.0.0.1/v1"})
    for unit in (None, UnitFacts(AGENT, {})):
        (found,) = look_ways.ways(given, unit, reach=True)
        assert "does not run here" in found.reached


def connecting(group, *addresses, port):
    command = [sys.executable, "-I", as_agent.__file__, str(group), "65534", "65534", str(port), *addresses]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_it_is_the_agents_user_before_it_connects(tmp_path, port, monkeypatch, capsys):
    """A firewall may have rules for that user."""
    done = []
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda given, name=name: done.append((name, given)))
    monkeypatch.setattr(sys, "argv", ["as_agent", str(tmp_path), "7", "8", str(port), "127.0.0.1"])
    as_agent.main()
    assert done == [("setgroups", []), ("setgid", 8), ("setuid", 7)]
    assert (tmp_path / "cgroup.procs").read_text() == str(os.getpid())
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not IS_ROOT, reason="becomes another user")
def test_a_connection_is_made_as_the_agents_user_in_its_group(tmp_path, port):
    """It says nothing where one stands, and why where none does."""
    done = connecting(tmp_path, "127.0.0.2", "127.0.0.1", port=port)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "cgroup.procs").read_text().isdecimal()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = connecting(tmp_path, "127.0.0.1", port=closed.getsockname()[1])
    assert "127.0.0.1: Connection refused" in done.stdout


def test_without_its_group_nothing_is_tried(tmp_path, port):
    """Somebody else's connection would say nothing of the agent's."""
    done = connecting(tmp_path / "none", "127.0.0.1", port=port)
    assert done.returncode != 0
