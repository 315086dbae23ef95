"""Into a folder, twice, with edits; and out again."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ringfenced.cli.exits import Failure
from ringfenced.cli.installing import installation, shipped, system
from ringfenced.cli.installing.root import Root

TOML = "etc/ringfence/ringfenced.toml"
STATE = "var/lib/ringfence-agent"


def everything(root):
    """Every file, link and folder, from the root."""
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_everything_is_where_systemd_looks_for_it(root, ringfence, source):
    assert ringfence("install").exit_code == 0
    for name in shipped.UNITS:
        assert (root / "usr/lib/systemd/system" / name).read_bytes() == (source / name).read_bytes()
    for kind in ("sysusers", "tmpfiles"):
        assert (root / f"usr/lib/{kind}.d/ringfence.conf").is_file()
    assert (root / TOML).stat().st_mode & 0o777 == 0o644
    assert (root / "etc/ringfence/keys").stat().st_mode & 0o777 == 0o700
    assert (root / "usr/share/ringfence/drop-ins/nvidia.conf").is_file()
    assert not (root / "usr/bin").exists()


def test_every_file_of_systemd_ships(source):
    """A new unit or drop-in that nobody installs would be none."""
    paths = [path for path in source.rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in paths) == sorted(each.data for each in shipped.files(source))


def test_a_second_time_nothing_is_done(root, ringfence):
    ringfence("install")
    before = {path: (root / path).stat().st_mtime_ns for path in everything(root) if (root / path).is_file()}
    lines = [json.loads(line) for line in ringfence("install", "--json").stdout.splitlines()]
    assert {line["do"] for line in lines} == {"same"}
    del before[shipped.RECORD]
    assert all((root / path).stat().st_mtime_ns == time_ns for path, time_ns in before.items())


def test_what_a_site_edited_stays(root, ringfence):
    ringfence("install")
    (root / TOML).write_text("node = 'ours'\n")
    (root / "etc/ringfence/watch.env").unlink()
    unit = root / "usr/lib/systemd/system/ringfenced.service"
    unit.write_text(unit.read_text() + "# edited\n")
    result = ringfence("install")
    assert (root / TOML).read_text() == "node = 'ours'\n"
    assert not (root / "etc/ringfence/watch.env").exists()
    assert "# edited" not in unit.read_text()
    assert "drop-ins are the place" in result.stdout
    assert not (root / f"{TOML}.new").exists()


def test_a_new_template_is_laid_beside_an_edited_file(root, ringfence, monkeypatch):
    ringfence("install")
    (root / TOML).write_text("node = 'ours'\n")
    changed = [
        shipped.Shipped(each.path, each.data + b"\n# 0.2", each.edited) for each in shipped.files(shipped.folder())
    ]
    monkeypatch.setattr(installation, "files", lambda _: tuple(changed))
    assert ringfence("install").exit_code == 0
    assert (root / TOML).read_text() == "node = 'ours'\n"
    assert (root / f"{TOML}.new").read_text().endswith("# 0.2")
    assert (root / "etc/ringfence/ringfence-agent.toml").read_text().endswith("# 0.2")


@pytest.mark.parametrize("name", ["install", "uninstall"])
def test_a_dry_run_does_nothing(root, ringfence, name):
    if name == "uninstall":
        ringfence("install")
    before = everything(root)
    result = ringfence(name, "--dry-run")
    assert result.exit_code == 0
    assert "/etc/ringfence" in result.stdout
    assert everything(root) == before


def test_what_is_left_after_all_is_the_log(root, ringfence):
    ringfence("install", "--links")
    for path, text in {
        f"{STATE}/log/entries-000000.ndjson": "{}",
        f"{STATE}/log/checkpoint": "site.example/egress",
        f"{STATE}/salt.key": "salt",
        f"{STATE}/cache/patterns": "x",
        "etc/ringfence/pki/log.pub": "key",
        "etc/ringfence/keys/log.key": "private",
        "etc/systemd/system/ringfenced.service.d/nvidia.conf": "[Service]",
        "var/lib/ringfenced/ledger.sqlite3": "x",
        "var/lib/ringfenced/witnessed.checkpoint": "seen",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 0, result.output
    assert {path for path in everything(root) if (root / path).is_file()} == {
        f"{STATE}/log/entries-000000.ndjson",
        f"{STATE}/log/checkpoint",
        f"{STATE}/salt.key",
        f"{STATE}/log.pub",
        f"{STATE}/witnessed.checkpoint",
    }
    assert f"/{STATE}/log" in result.stdout
    assert not any((root / path).is_symlink() for path in everything(root))


def test_programs_are_linked_where_somebody_asks(root, ringfence):
    assert ringfence("install", "--links").exit_code == 0
    assert (root / "usr/bin/ringfence").readlink() == Path(sys.executable).with_name("ringfence")
    assert ringfence("install", "--links").exit_code == 0


def test_a_program_that_is_in_the_way_is_told_before_anything_is_done(root, ringfence):
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/ringfenced").write_text("another's")
    result = ringfence("install", "--links")
    assert result.exit_code == 1
    assert "--no-links" in result.stderr
    assert (root / "usr/bin/ringfenced").read_text() == "another's"
    assert not (root / "etc").exists()


def test_the_wheel_holds_what_is_installed(source):
    """Where `shipped.folder` looks for it in an installed package."""
    document = tomllib.loads((source.parent / "pyproject.toml").read_text())
    assert document["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {"systemd": "ringfenced/systemd"}


def test_nothing_goes_before_somebody_said_yes(root, ringfence):
    ringfence("install")
    before = everything(root)
    result = ringfence("uninstall", input="n\n")
    assert result.exit_code == 1
    assert everything(root) == before


def test_where_the_log_is_must_be_known(root, ringfence):
    ringfence("install")
    (root / "etc/ringfence/ringfence-agent.toml").write_text("[log")
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 1
    assert "says where the egress log is" in result.stderr
    assert (root / TOML).exists()


def test_a_log_that_no_configuration_names_stays_all_the_same(root, ringfence):
    ringfence("install")
    other = root / STATE / "other"
    other.mkdir(parents=True)
    (other / "entries-000000.ndjson").write_text("{}")
    assert ringfence("uninstall", "--yes").exit_code == 0
    assert (other / "entries-000000.ndjson").exists()


@pytest.mark.parametrize("name", ["install", "uninstall"])
def test_a_link_does_not_lead_out_of_the_root(root, ringfence, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (root / "etc").symlink_to(tmp_path / "elsewhere")
    result = ringfence(name, *(["--yes"] if name == "uninstall" else []))
    assert result.exit_code == 2
    assert not list((tmp_path / "elsewhere").iterdir())


def test_links_are_removed_and_not_followed(root, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    (root / "var").mkdir()
    (root / "var/link").symlink_to(kept)
    Root(root).clear("var", frozenset())
    assert (kept / "file").exists()
    assert not (root / "var").exists()


WITNESSED = "var/lib/ringfenced/witnessed.checkpoint"


@pytest.fixture
def outside(root, ringfence, tmp_path):
    """A site whose log has an entry, and a file beside it that is neither the daemon's nor the agent's."""
    ringfence("install")
    (root / WITNESSED).parent.mkdir(parents=True)
    (root / STATE / "log").mkdir(parents=True)
    (root / STATE / "log/entries-000000.ndjson").write_text("{}")
    (tmp_path / "outside").write_text("root's")
    return tmp_path / "outside"


@pytest.mark.parametrize("name", ["witnessed.checkpoint", "witnessed.checkpoint.condemned", "log.pub"])
def test_a_link_beside_the_log_is_replaced_and_not_written_through(root, ringfence, outside, name):
    """The agent left it there; what would be written is what the daemon chose."""
    (root / "var/lib/ringfenced" / name).write_text("chosen")
    (root / "etc/ringfence/pki/log.pub").write_text("chosen")
    (root / STATE / name).symlink_to(outside)
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 0, result.output
    assert outside.read_text() == "root's"
    assert (root / STATE / name).read_text() == "chosen"
    assert not (root / STATE / name).is_symlink()


@pytest.mark.parametrize("name", ["witnessed.checkpoint", "witnessed.checkpoint.condemned"])
@pytest.mark.parametrize("plant", ["link", "pipe"])
def test_what_the_daemon_left_in_place_of_a_checkpoint_is_told_before_anything_goes(
    root, ringfence, outside, name, plant
):
    """A link would let root read for it; a pipe would let root wait for ever."""
    place = root / "var/lib/ringfenced" / name
    place.symlink_to(outside) if plant == "link" else os.mkfifo(place)
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 1
    assert f"{place}: a link or no plain file" in result.stderr
    assert not (root / STATE / name).exists()
    assert (root / TOML).exists()


@pytest.mark.parametrize("name", ["ringfence-agent.toml", "ringfenced.toml"])
def test_a_configuration_that_cannot_be_read_does_not_pass_for_none(root, ringfence, outside, name):
    """The log would be taken for one in its usual place, and the real one go with the rest."""
    (root / "etc/ringfence" / name).unlink()
    (root / "etc/ringfence" / name).symlink_to("not-mounted/agent.toml")
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 1
    assert f"{name}: No such file" in result.stderr
    assert (root / STATE / "log/entries-000000.ndjson").exists()
    assert (root / "usr/share/ringfence").exists()


@pytest.mark.parametrize("name", ["witnessed.checkpoint.condemned", "log"])
def test_evidence_that_nobody_can_look_for_does_not_pass_for_none(root, ringfence, outside, monkeypatch, name):
    """It would be removed with the daemon's state instead of being copied beside the log."""

    def lstat(path, original=Path.lstat):
        if path.name == name:
            raise OSError(5, "Input/output error", str(path))
        return original(path)

    (root / f"{WITNESSED}.condemned").write_text("evidence")
    monkeypatch.setattr(Path, "lstat", lstat)
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 1
    assert "Input/output error" in result.stderr
    assert (root / f"{WITNESSED}.condemned").read_text() == "evidence"


def test_folders_that_lie_too_deep_in_each_other_are_told(root, ringfence, outside):
    """Deeper than Python calls itself."""
    folder = os.open(root / "var/lib/ringfenced", os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("x", dir_fd=folder)
        below = os.open("x", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    result = ringfence("uninstall", "--yes")
    subprocess.run(["rm", "-r", root / "var/lib/ringfenced/x"], check=True)
    assert result.exit_code == 1
    assert "then run the same again" in result.stderr
    assert ringfence("uninstall", "--yes").exit_code == 0


def test_a_public_key_that_the_site_linked_is_kept(root, ringfence, outside):
    """In /etc links are root's own."""
    (root / "etc/ssl").mkdir()
    (root / "etc/ssl/log.pub").write_text("key")
    (root / "etc/ringfence/pki/log.pub").symlink_to("../../ssl/log.pub")
    assert ringfence("uninstall", "--yes").exit_code == 0
    assert (root / STATE / "log.pub").read_text() == "key"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a link to another user")
def test_a_link_on_the_way_is_followed_where_root_made_it(root):
    """And so is none that a daemon or an agent made in a folder of its own."""
    (root / "data").mkdir()
    (root / "var").symlink_to("data")
    assert Root(root).at("var/file") == root / "var/file"
    os.chown(root / "var", 12345, 12345, follow_symlinks=False)
    with pytest.raises(Failure, match="another user made"):
        Root(root).at("var/inner/file")


def test_a_record_that_is_none_is_told(root, ringfence):
    ringfence("install")
    (root / shipped.RECORD).write_text("[]")
    result = ringfence("install")
    assert result.exit_code == 1
    assert "remove it" in result.stderr


def test_a_program_that_fails_or_is_not_there_is_told_and_the_rest_goes_on(tmp_path):
    done = system.run([("sh", "-c", "echo no >&2; exit 3"), ("ringfence-none",), ("touch", str(tmp_path / "done"))])
    assert done == ("sh -c echo no >&2; exit 3: no", "ringfence-none is not on this machine")
    assert (tmp_path / "done").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to root")
def test_what_stays_is_roots_alone(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    (log / "checkpoint").write_text("x")
    os.chown(log, 12345, 12345)
    os.chown(log / "checkpoint", 12345, 12345)
    system.to_root([log, tmp_path / "none"])
    assert [(log.stat().st_uid, log.stat().st_mode & 0o777)] == [(0, 0o700)]
    assert ((log / "checkpoint").stat().st_uid, (log / "checkpoint").stat().st_mode & 0o777) == (0, 0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to root")
def test_a_link_among_what_stays_is_roots_and_what_it_leads_to_stays_as_it_is(tmp_path):
    """An agent may have put one in place of the log itself, or of anything in it."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("x")
    others = [tmp_path / "other", tmp_path / "other/file"]
    for each in others:
        os.chown(each, 12345, 12345)
        each.chmod(0o755)
    state = tmp_path / "state"
    state.mkdir()
    (state / "log").symlink_to(tmp_path / "other")
    (state / "file").symlink_to(tmp_path / "other/file")
    os.mkfifo(state / "pipe")
    os.chown(state / "log", 12345, 12345, follow_symlinks=False)
    os.chown(state / "pipe", 12345, 12345)
    system.to_root([state, state / "log"])
    assert [(each.stat().st_uid, each.stat().st_mode & 0o777) for each in others] == [(12345, 0o755)] * 2
    assert {each.lstat().st_uid for each in state.iterdir()} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to root")
def test_a_file_of_roots_that_has_a_second_name_keeps_its_mode(tmp_path):
    """Where the kernel lets others give a file names (protected_hardlinks=0), it may be any."""
    (tmp_path / "passwd").write_text("x")
    (tmp_path / "passwd").chmod(0o644)
    (tmp_path / "log").mkdir()
    (tmp_path / "log/name").hardlink_to(tmp_path / "passwd")
    system.to_root([tmp_path / "log"])
    assert (tmp_path / "passwd").stat().st_mode & 0o777 == 0o644


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """Let a systemd have our units in some states."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(system, "has_systemd", lambda: True)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")

    def says(*states):
        (tmp_path / "states").write_text("".join(f"{state}\n" for state in states))
        program = tmp_path / "bin/systemctl"
        program.write_text(f"#!/bin/sh\ncat {tmp_path}/states\nexit 3\n")
        program.chmod(0o755)

    return says


STOPPED = ["inactive", "failed", "unknown", *["inactive"] * (len(shipped.UNITS) - 3)]


@pytest.mark.parametrize("state", ["active", "activating", "deactivating", "reloading", "maintenance"])
def test_a_unit_runs_until_systemd_says_that_it_ended(systemctl, state):
    systemctl(*STOPPED)
    assert system.running() == ()
    systemctl(*STOPPED[:-1], state)
    assert system.running() == shipped.UNITS[-1:]


def test_a_systemd_that_does_not_say_what_runs_is_not_taken_to_say_nothing_does(systemctl, monkeypatch):
    systemctl("inactive")
    assert system.running() == shipped.UNITS
    monkeypatch.setattr(system, "_SECONDS_MAX", 0)
    assert system.running() == shipped.UNITS
    monkeypatch.setenv("PATH", "/nowhere")
    assert system.running() == shipped.UNITS


@pytest.fixture
def machine(monkeypatch):
    """The root counts as this machine, on which nothing is run all the same."""
    monkeypatch.setattr(Root, "is_machine", property(lambda self: True))
    for name in ("LEAVING", "LEFT"):
        monkeypatch.setattr(system, name, ())
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_nothing_goes_while_a_unit_runs(root, ringfence, systemctl, machine):
    root.joinpath("etc/ringfence").mkdir(parents=True)
    systemctl("active", *STOPPED[1:])
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 1
    assert "still running: ringfenced.service" in result.stderr
    assert "systemctl stop ringfenced.service" in result.stderr
    assert (root / "etc/ringfence").exists()
    systemctl(*STOPPED)
    assert ringfence("uninstall", "--yes").exit_code == 0
    assert not (root / "etc/ringfence").exists()


def test_what_stays_is_given_to_root_while_the_configuration_says_where_it_is(
    root, ringfence, systemctl, machine, monkeypatch
):
    """So that the same can be run again where that fails."""

    def fails(paths):
        raise PermissionError(1, "Operation not permitted", str(next(iter(paths))))

    root.joinpath("etc/ringfence").mkdir(parents=True)
    systemctl(*STOPPED)
    monkeypatch.setattr(system, "to_root", fails)
    result = ringfence("uninstall", "--yes")
    assert result.exit_code == 1
    assert "Operation not permitted" in result.stderr
    assert (root / "etc/ringfence").exists()


def test_a_program_that_does_not_end_is_told(monkeypatch):
    monkeypatch.setattr(system, "_SECONDS_MAX", 0.1)
    assert system.run([("sleep", "5")]) == ("sleep 5: no end within 0.1 s",)
