"""`ringfence agent rotate-key`."""

import json
import stat

import grpc
import pytest

from fakes.daemon import Fail
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1.types_pb2 import ErrorDetail
from ringfenced.cli import keyfile
from ringfenced.cli.exits import Failure

ROTATED = admin.RotateProviderKeyResponse(changed=True, fingerprint="0011223344556677")


@pytest.fixture
def files(tmp_path):
    """A new key, and the file that the agent reads."""
    fresh, place = tmp_path / "fresh", tmp_path / "agent.key"
    fresh.write_text("sk-new\n")
    place.write_text("sk-old\n")
    place.chmod(0o400)
    return fresh, place


def test_it_asks_the_daemon_and_says_what_came_of_it(daemon, ringfence):
    daemon.script["RotateProviderKey"] = [ROTATED]
    result = ringfence("agent", "rotate-key", "cloud", name="operator")
    assert result.exit_code == 0
    assert "another key than before, fingerprint 0011223344556677" in result.stdout
    assert daemon.requests == [("RotateProviderKey", admin.RotateProviderKeyRequest(provider="cloud"))]


def test_for_programs_it_is_json(daemon, ringfence):
    daemon.script["RotateProviderKey"] = [ROTATED]
    told = json.loads(ringfence("agent", "rotate-key", "cloud", "--json", name="operator").stdout)
    assert told == {"changed": True, "fingerprint": "0011223344556677"}


def test_a_new_key_is_put_in_place_first(daemon, ringfence, files):
    fresh, place = files
    daemon.script["RotateProviderKey"] = [ROTATED]
    result = ringfence("agent", "rotate-key", "cloud", "--from", str(fresh), "--to", str(place), name="operator")
    assert result.exit_code == 0
    assert place.read_text() == "sk-new\n"
    assert stat.S_IMODE(place.stat().st_mode) == 0o400
    assert "sk-new" not in result.stdout + result.stderr
    assert [method for method, _ in daemon.requests] == ["RotateProviderKey"]


def test_a_new_key_may_come_from_standard_input(daemon, ringfence, files):
    _, place = files
    daemon.script["RotateProviderKey"] = [ROTATED]
    arguments = ("agent", "rotate-key", "cloud", "--from", "-", "--to", str(place))
    assert ringfence(*arguments, name="operator", input="sk-piped\n").exit_code == 0
    assert place.read_text() == "sk-piped\n"


def test_an_agent_that_finds_no_key_is_told_as_away(daemon, ringfence):
    detail = ErrorDetail(reason="key_unreadable")
    daemon.script["RotateProviderKey"] = [Fail(grpc.StatusCode.UNAVAILABLE, "the agent keeps the key", detail)]
    result = ringfence("agent", "rotate-key", "cloud", name="operator")
    assert result.exit_code == 6
    assert "keeps the key" in result.stderr


def test_half_of_the_options_changes_nothing(daemon, ringfence, files):
    fresh, place = files
    assert ringfence("agent", "rotate-key", "cloud", "--from", str(fresh)).exit_code == 2
    assert place.read_text() == "sk-old\n"
    assert daemon.requests == []


@pytest.mark.parametrize("text", ["", "  \n", "sk a", "sk-\x00", "sk-ü", "x" * 4097])
def test_what_is_no_key_is_not_put_in_place(files, text):
    fresh, place = files
    fresh.write_text(text)
    with pytest.raises(Failure, match="no API key"):
        keyfile.install(fresh, place)
    assert place.read_text() == "sk-old\n"


def test_a_link_is_not_written_through(files, tmp_path):
    fresh, place = files
    link = tmp_path / "link"
    link.symlink_to(place)
    with pytest.raises(Failure, match="link"):
        keyfile.install(fresh, link)
    assert place.read_text() == "sk-old\n"


def test_a_place_that_cannot_be_written_keeps_its_key_and_no_rest_is_left(files, monkeypatch):
    fresh, place = files

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keyfile.os, "fsync", fail)
    with pytest.raises(Failure, match="No space left"):
        keyfile.install(fresh, place)
    assert place.read_text() == "sk-old\n"
    assert {path.name for path in place.parent.iterdir()} == {"fresh", "agent.key"}
