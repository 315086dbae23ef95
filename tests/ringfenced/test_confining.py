"""What is left to the daemon follows from its configuration, and from nothing else."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from ringfence.configfile import parse
from ringfence.confine import places
from ringfenced import confining
from ringfenced.config import Config

INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
FILE = Path("/etc/ringfence/ringfenced.toml")
CONFIG = """
state = "/var/lib/ringfenced"
runtime = "/run/ringfenced"
{top}
[listen]
{listen}
tls = {{ ca = "pki/ca.pem", cert = "pki/daemon.pem", key = "/run/credentials/daemon.key" }}
[[departments]]
name = "ward"
grant_credits = 1
[[callers]]
identity = "spiffe://site.example/ward"
department = "ward"
{extra}
"""
AGENT = """
[agent]
target = "{target}"
tls = {{ ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }}
permit_key = "permit.key"
log_public_key = "log.pub"
log_origin = "site.example/egress"
"""
UNIX = 'unix = "/run/ringfence/callers/ringfenced.sock"'
TCP = 'tcp = "[::]:7443"'


def walls(*, listen=UNIX, extra="", top="", notify=""):
    return confining.walls(config(listen=listen, extra=extra, top=top), FILE, notify)


def config(*, listen=UNIX, extra="", top=""):
    return parse(CONFIG.format(listen=listen, extra=extra, top=top), FILE, Config)


def test_a_daemon_on_unix_sockets_has_no_other():
    """As its unit has it."""
    found = walls(extra=AGENT.format(target="unix:/run/ringfence/agent/agent.sock"))
    assert found.families == frozenset()
    assert found.connects == frozenset()
    assert found.listens == frozenset()
    assert not found.has_datagrams
    assert found.capabilities == frozenset()


def test_one_that_listens_on_tcp_connects_nowhere():
    found = walls(
        listen=f'{TCP}\nhealth = "[::]:7444"', top="workers = 3", extra='[telemetry]\nmetrics_listen = ":9000"'
    )
    assert found.families == INTERNET
    assert found.listens == {7443, 7444, 9000, 9001, 9002}
    assert found.connects == frozenset()
    assert not found.has_datagrams


def test_what_is_on_the_site_is_connected_to_by_its_port():
    evaluator = """
[[evaluators]]
name = "second"
kind = "grpc"
target = "judge.site.example:7000"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
[confine]
connect = [8000]
"""
    found = walls(extra=AGENT.format(target="10.0.0.7:7443") + evaluator)
    assert found.connects == {7443, 7000, 8000}
    assert "/etc" in found.reads  # it looks names up
    assert "/etc" not in walls().reads


def test_a_low_port_keeps_the_one_capability_that_it_takes():
    assert walls(listen='tcp = "0.0.0.0:443"').capabilities == {confining.CAP_NET_BIND_SERVICE}
    assert walls(listen='tcp = "127.0.0.1:0"').capabilities == frozenset()


def test_it_writes_its_own_folders_and_reads_what_its_file_names(tmp_path):
    found = walls(extra=f'[confine]\nread = ["more"]\nwrite = ["{tmp_path}"]\nrun = ["/srv/engine"]')
    assert {"/var/lib/ringfenced", "/run/ringfenced", "/run/ringfence/callers", str(tmp_path)} <= set(found.writes)
    assert {"/etc/ringfence", "/etc/ringfence/pki", "/run/credentials", "/etc/ringfence/more"} <= set(found.reads)
    assert "/srv/engine" in found.runs
    assert not {"/", "/etc", "/tmp", "/var/tmp", "/dev/shm", "/home", "/root"} & {*found.writes, *found.reads}
    assert not {"/run", "/var", "/var/lib"} & set(found.writes)


def test_a_model_of_llama_leaves_memory_to_be_written_or_executed():
    found = walls(extra='[[models]]\nname = "m"\npath = "/srv/models/m.gguf"')
    assert not found.writes_code
    assert found.makes_callbacks
    assert "/srv/models" in found.reads


@pytest.mark.parametrize("lines", ["gpu_layers = -1", 'engine = "command"\ncommand = ["/srv/engine"]'])
def test_gpus_and_programs_of_the_site_compile_code(lines):
    path = "" if "command" in lines else 'path = "/srv/m.gguf"\n'
    found = walls(extra=f'[[models]]\nname = "m"\n{path}{lines}')
    assert found.writes_code
    assert ("/srv/engine" in found.runs) == ("command" in lines)


def test_vllm_takes_wider_walls():
    """Its processes speak TCP among themselves; which network that is, the unit or the engine itself decides."""
    found = walls(
        extra='[[models]]\nname = "m"\nengine = "vllm"\npath = "/srv/m"\nvllm.python = "/srv/venv/bin/python"'
    )
    assert found.families == INTERNET | {socket.AF_NETLINK}
    assert found.connects is None
    assert found.leaves_network
    assert {"/dev/shm", "/proc"} <= set(found.writes)
    assert "/srv/venv" in found.runs


def test_a_service_manager_on_an_abstract_socket_is_still_told():
    assert walls(notify="@/org/freedesktop/systemd1/notify").reaches_abstract
    assert not walls(notify="/run/systemd/notify").reaches_abstract


def test_only_a_user_of_its_own_writes_to_proc(monkeypatch):
    """Its engines do, each to its own folder; root's could change the machine's settings there."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "/proc" not in walls().writes
    monkeypatch.setattr("os.geteuid", lambda: 990)
    assert "/proc" in walls().writes


def test_python_and_what_it_needs_is_read_and_run():
    found = walls()
    assert sys.prefix in found.runs
    assert set(places.SYSTEM) <= set(found.runs)


def test_a_folder_of_modules_is_read_and_not_run(monkeypatch, tmp_path):
    """It may be one in which the daemon writes: what is written is never started."""
    monkeypatch.syspath_prepend(str(tmp_path))
    found = walls()
    assert str(tmp_path) in found.reads
    assert str(tmp_path) not in found.runs


@pytest.mark.parametrize(
    ("extra", "sealed"),
    [
        ("", True),
        (AGENT.format(target="unix:/run/agent.sock"), True),
        (AGENT.format(target="10.0.0.7:7443"), False),
        ("[confine]\nconnect = [8000]", False),
        ("[confine]\napply = false", False),
        ('[[models]]\nname = "m"\nengine = "vllm"\npath = "/srv/m"', False),
    ],
)
def test_sockets_of_the_internet_end_where_none_is_needed_any_more(monkeypatch, extra, sealed):
    """Once its ports are open; on kernels that judge no ports this is what keeps it from connecting."""
    narrowed = []
    monkeypatch.setattr(confining, "narrow", lambda walls: narrowed.append(walls.families) or True)
    assert confining.seal(config(listen=TCP, extra=extra)) is sealed
    assert narrowed == ([frozenset()] if sealed else [])
