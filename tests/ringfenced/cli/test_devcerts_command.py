"""`ringfence dev-certs`: what is written, with which rights, and that nothing is overwritten unasked."""

import json
import stat

from typer.testing import CliRunner

from ringfenced.cli.app import app

runner = CliRunner()


def test_it_writes_every_file_and_guards_the_private_ones(tmp_path):
    folder = tmp_path / "certs"
    result = runner.invoke(app, ["dev-certs", str(folder)])
    assert result.exit_code == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.suffix == ".key" else 0o644)
        assert path.name in result.stdout


def test_it_refuses_to_overwrite_and_leaves_everything_as_it_was(tmp_path):
    assert runner.invoke(app, ["dev-certs", str(tmp_path / "certs")]).exit_code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "certs").iterdir()}
    result = runner.invoke(app, ["dev-certs", str(tmp_path / "certs")])
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "certs").iterdir()} == before


def test_force_replaces_everything_and_follows_no_link(tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    (folder / "daemon.key").symlink_to(elsewhere)
    assert runner.invoke(app, ["dev-certs", str(folder), "--force"]).exit_code == 0
    assert elsewhere.read_text() == "untouched"
    assert not (folder / "daemon.key").is_symlink()


def test_json_names_the_files(tmp_path):
    result = runner.invoke(app, ["dev-certs", str(tmp_path / "c"), "--json", "--days", "2"])
    told = json.loads(result.stdout)
    assert told["days"] == 2
    assert sorted(told["files"]) == sorted(path.name for path in (tmp_path / "c").iterdir())


def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path):
    (tmp_path / "file").write_text("")
    result = runner.invoke(app, ["dev-certs", str(tmp_path / "file" / "certs")])
    assert result.exit_code == 2
    assert "cannot write into" in result.stderr


def test_too_long_a_life_is_wrong_usage(tmp_path):
    assert runner.invoke(app, ["dev-certs", str(tmp_path / "c"), "--days", "400"]).exit_code == 2
