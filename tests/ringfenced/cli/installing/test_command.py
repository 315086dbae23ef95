"""Into a folder, twice, with edits; and out again."""

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

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
