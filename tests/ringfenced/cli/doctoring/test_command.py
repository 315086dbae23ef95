"""The whole command, on a node without a daemon."""

import json
import os

import pytest
from typer.testing import CliRunner

from fakes.certs import write_fresh
from ringfenced.cli.app import app
from ringfenced.cli.doctoring import command, look_machine, look_systemd
from ringfenced.cli.doctoring.units import AGENT as AGENT_UNIT
from ringfenced.cli.doctoring.units import DAEMON, UnitFacts

CONFIG = """
state = "state"
[listen]
unix = "daemon.sock"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
[[departments]]
name = "ward"
grant_credits = 1
[[callers]]
identity = "spiffe://site/ward"
department = "ward"
"""

AGENT = """
[agent]
target = "unix:agent.sock"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
permit_key = "permit.key"
log_public_key = "log.pub"
log_origin = "site.example/egress"
"""


@pytest.fixture
def doctor(tmp_path, monkeypatch):
    """Run `ringfence doctor` on a node whose files are here."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(look_machine, "processes", tuple)  # other tests may have daemons running beside this
    write_fresh(tmp_path)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "ringfenced.toml").write_text(CONFIG)

    def run(*arguments):
        files = ["--config", str(tmp_path / "ringfenced.toml"), "--agent-config", str(tmp_path / "none.toml")]
        return CliRunner().invoke(app, ["doctor", *files, *arguments], catch_exceptions=False)

    return run


def told(result):
    """State by check."""
    return {line["check"]: line["state"] for line in map(json.loads, result.stdout.splitlines())}


def test_programs_read_one_object_a_check(doctor):
    states = told(doctor("--json"))
    assert states["configuration and policy"] == "ok"
    assert states["certificate listen.tls.cert"] == "ok"
    assert states["permissions"] == "ok"
    assert states["daemon"] == "warning"
    assert {"swap", "clock", "disk of the daemon's state"} <= set(states)


def test_people_read_what_to_do(doctor, tmp_path):
    (tmp_path / "daemon.key").chmod(0o644)
    result = doctor()
    assert result.exit_code == 1
    assert "chmod 0400" in result.stdout
    assert "1 errors" in result.stdout


def test_a_wrong_configuration_is_an_error_and_the_rest_is_looked_at(doctor, tmp_path):
    (tmp_path / "ringfenced.toml").write_text(CONFIG.replace("[listen]", "[lsiten]"))
    result = doctor("--json")
    assert result.exit_code == 1
    states = told(result)
    assert states["configuration and policy"] == "error"
    assert "swap" in states


def test_a_policy_that_does_not_parse_is_an_error(doctor, tmp_path):
    (tmp_path / "ringfenced.toml").write_text(CONFIG + '[policy]\nfile = "policy.cedar"\n')
    (tmp_path / "policy.cedar").write_text("permit everything")
    assert told(doctor("--json"))["configuration and policy"] == "error"


@pytest.mark.parametrize("plant", [os.mkfifo, lambda place: place.symlink_to("/dev/zero")])
def test_whatever_stands_for_evidence_is_told_and_not_read(doctor, tmp_path, plant):
    """The daemon's user can put there what it likes."""
    (tmp_path / "ringfenced.toml").write_text(CONFIG + AGENT)
    plant(tmp_path / "state/witnessed.checkpoint.condemned")
    assert told(doctor("--json"))["egress log"] == "error"


def test_evidence_that_nobody_can_look_for_is_not_none(doctor, tmp_path):
    """A link to itself stands in for a disk that fails: `os.path.lexists` says no to either."""
    state = tmp_path / "state"
    (tmp_path / "ringfenced.toml").write_text(CONFIG + AGENT)
    state.rename(tmp_path / "other")
    state.symlink_to("state")
    result = doctor("--json")
    assert told(result)["egress log"] == "warning"
    assert "nobody can tell whether it contradicts itself" in result.stdout


def test_a_systemd_that_does_not_answer_is_told(doctor, monkeypatch):
    monkeypatch.setattr(look_systemd, "units", lambda: None)
    assert told(doctor("--json"))["units"] == "warning"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_what_was_seen_is_told_whatever_ends_the_rest(doctor, monkeypatch, arguments):
    def stuck():
        raise KeyboardInterrupt

    monkeypatch.setattr(look_machine, "swaps", stuck)
    assert "configuration and policy" in doctor(*arguments).stdout


def test_the_file_of_a_side_that_runs_elsewhere_is_not_looked_at_unless_it_is_named(doctor, tmp_path, monkeypatch):
    """As on an agent's own host, where `install` laid down both templates."""
    off = UnitFacts(DAEMON, {"LoadState": "loaded", "UnitFileState": "disabled", "ActiveState": "inactive"})
    on = UnitFacts(AGENT_UNIT, {"LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active"})
    monkeypatch.setattr(look_systemd, "units", lambda: (off, on))
    (tmp_path / "ringfenced.toml").write_text("nothing of use")
    assert told(doctor("--json"))["configuration and policy"] == "error"
    monkeypatch.setattr(command, "CONFIG", tmp_path / "ringfenced.toml")
    states = told(doctor("--json"))
    assert "configuration and policy" not in states
    assert states[DAEMON] == "ok"
