"""Where the connection's values come from, and which wins."""

from pathlib import Path

import pytest

from ringfenced.cli import settings
from ringfenced.cli.exits import ExitCode, Failure

FILES = {"ca": "a.pem", "cert": "c.pem", "key": "k.key"}


def test_the_later_layer_wins_value_by_value():
    connection = settings.resolve(({**FILES, "target": "one:1"}, {"target": "two:2", "cert": ""}, {"key": "other.key"}))
    assert (connection.target, connection.server_name) == ("two:2", "")
    assert connection.identity.certificate == Path("c.pem")
    assert connection.identity.key == Path("other.key")


def test_a_certs_folder_stands_for_three_files():
    identity = settings.resolve(({"certs": "run/certs", "as": "auditor"},)).identity
    assert identity.authority == Path("run/certs/ca.pem")
    assert identity.certificate == Path("run/certs/auditor.pem")
    assert identity.key == Path("run/certs/auditor.key")


def test_a_folder_on_the_command_line_wins_over_files_in_the_environment():
    identity = settings.resolve((FILES, {"certs": "d", "as": "operator"})).identity
    assert identity.certificate == Path("d/operator.pem")


def test_folder_and_name_may_come_from_different_layers():
    identity = settings.resolve(({"certs": "d"}, {}, {"as": "operator"})).identity
    assert identity.certificate == Path("d/operator.pem")


def test_files_on_the_command_line_win_over_a_folder_in_the_environment():
    identity = settings.resolve(({"certs": "d", "as": "operator"}, FILES)).identity
    assert identity.certificate == Path("c.pem")


def test_a_file_beside_a_folder_in_one_layer_wins_over_the_folders():
    identity = settings.resolve(({"certs": "d", "as": "operator", "ca": "site.pem"},)).identity
    assert (identity.authority, identity.key) == (Path("site.pem"), Path("d/operator.key"))


def test_nobody_is_not_a_caller():
    with pytest.raises(Failure, match="ca, cert, key missing") as caught:
        settings.resolve(({"target": "x:1"},))
    assert caught.value.code is ExitCode.USAGE
    assert "--certs" in caught.value.advice[0]


def test_the_file_is_read_and_its_paths_count_from_its_folder(tmp_path):
    (tmp_path / "client.toml").write_text('target = "h:1"\nca = "ca.pem"\nkey = "/etc/k"\nas = "ward"\n')
    assert settings.read_file(tmp_path / "client.toml") == {
        "target": "h:1",
        "ca": str(tmp_path / "ca.pem"),
        "key": "/etc/k",
        "as": "ward",
    }


@pytest.mark.parametrize("text", ['targte = "x"', "target = 3", "target =", "[table]\na = 1"])
def test_a_file_that_nobody_understands_is_refused(tmp_path, text):
    (tmp_path / "client.toml").write_text(text)
    with pytest.raises(Failure, match=r"client\.toml") as caught:
        settings.read_file(tmp_path / "client.toml")
    assert caught.value.code is ExitCode.USAGE


def test_no_file_is_no_problem(tmp_path):
    assert settings.read_file(tmp_path / "client.toml") == {}


def test_environment_and_file_are_read_where_the_docs_say(tmp_path, monkeypatch):
    (tmp_path / "ringfence").mkdir()
    (tmp_path / "ringfence" / "client.toml").write_text('ca = "/a"\ncert = "/c"\nkey = "/k"\ntarget = "file:1"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("RINGFENCE_KEY", "/other")
    monkeypatch.setenv("RINGFENCE_SERVER_NAME", "daemon.example")
    connection = settings.load({"target": "unix:/s"})
    assert (connection.target, connection.server_name) == ("unix:/s", "daemon.example")
    assert connection.identity.certificate == Path("/c")
    assert connection.identity.key == Path("/other")


def test_a_missing_file_is_named(tmp_path):
    connection = settings.resolve(({"certs": str(tmp_path), "as": "nobody"},))
    with pytest.raises(Failure, match=r"nobody\.pem"):
        connection.client()
