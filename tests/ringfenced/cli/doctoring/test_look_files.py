"""What is read of this node's files."""

import hashlib
import json
import os

import pytest

from fakes.certs import write_fresh
from ringfence.configfile import load
from ringfenced.cli.doctoring import look_files
from ringfenced.config import Config
from ringfenced.library.arrival import STAMPS

DAEMON = """
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
[[models]]
name = "checked"
path = "model.gguf"
sha256 = "DIGEST"
[[models]]
name = "unchecked"
path = "model.gguf"
[agent]
target = "unix:agent.sock"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
permit_key = "permit.key"
log_public_key = "log.pub"
log_origin = "site.example/egress"
"""
AGENT = """
[listen]
certificate = "agent.pem"
key = "daemon.key"
authority = "ca.pem"
[log]
directory = "log"
salt_key = "salt.key"
[[providers]]
name = "cloud"
authority = "provider-ca.pem"
"""


@pytest.fixture
def node(tmp_path):
    """A folder with both files, and all that they name."""
    write_fresh(tmp_path)
    (tmp_path / "model.gguf").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "ringfenced.toml").write_text(DAEMON.replace("DIGEST", digest))
    (tmp_path / "agent.toml").write_text(AGENT)
    for folder in ("state", "log"):
        (tmp_path / folder).mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
def config(node):
    return load(node / "ringfenced.toml", Config)


@pytest.fixture
def agent(node):
    return look_files.agent_file(node / "agent.toml")


def test_certificates_and_whether_their_keys_fit(config, agent):
    found = {each.setting: each for each in look_files.certificates(config, agent)}
    assert found["listen.tls.cert"].is_key_fitting is True
    assert found["agent's listen.certificate"].is_key_fitting is False
    assert found["listen.tls.ca"].is_key_fitting is None
    assert found["authority of cloud"].problem == ""
    assert all(each.ends_unix_s > each.starts_unix_s for each in found.values())


def test_a_certificate_that_is_none_or_not_there(node, config):
    (node / "ca.pem").write_text("nonsense")
    (node / "daemon.pem").unlink()
    problems = {each.setting: each.problem for each in look_files.certificates(config, None)}
    assert problems["listen.tls.ca"] == "no PEM certificate"
    assert problems["listen.tls.cert"] == "No such file or directory"


def test_what_systemd_hands_over_is_not_ours_to_judge(node):
    text = (node / "ringfenced.toml").read_text().replace('"daemon.key"', '"/run/credentials/x.service/daemon.key"')
    (node / "ringfenced.toml").write_text(text)
    found = look_files.places(load(node / "ringfenced.toml", Config), None, node)
    assert not [each for each in found if each.path.startswith("/run")]


def test_permissions_of_what_is_there(node, config, agent):
    (node / "permit.key").chmod(0o644)
    found = {each.path: each for each in look_files.places(config, agent, node)}
    assert found[str(node / "permit.key")].mode & 0o777 == 0o644
    assert found[str(node / "state")].kind == "private folder"
    assert found[str(node / "log")].kind == "private folder"
    assert str(node / "salt.key") not in found


def test_disks_under_what_is_written_to(config, agent):
    assert [each.what for each in look_files.rooms(config, agent)] == ["the daemon's state", "the egress log"]
    assert all(each.free_bytes for each in look_files.rooms(config, agent))


def test_models_are_read_where_somebody_asks(node, config):
    quick = {each.name: each for each in look_files.weights(config, deep=False)}
    assert (quick["checked"].problem, quick["checked"].is_read) == ("", False)
    assert not quick["unchecked"].has_digest
    deep = {each.name: each for each in look_files.weights(config, deep=True)}
    assert (deep["checked"].problem, deep["checked"].is_read) == ("", True)
    (node / "model.gguf").write_bytes(b"others")
    assert "has the digest" in next(iter(look_files.weights(config, deep=True))).problem
    (node / "model.gguf").unlink()
    assert "is not there" in next(iter(look_files.weights(config, deep=False))).problem


def test_a_library_is_read_and_not_written_to(node, library_model):
    (node / "ringfenced.toml").write_text(
        (node / "ringfenced.toml").read_text().split("[[models]]")[0]
        + f'[library]\nfolder = "{library_model.parent}"\n[[models]]\nname = "m"\nlibrary = "{library_model.name}"\n'
    )
    config = load(node / "ringfenced.toml", Config)

    def everything():
        return sorted((path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in library_model.iterdir())

    before = everything()
    for deep in (False, True):
        (found,) = look_files.weights(config, deep=deep)
        assert (found.problem, found.is_read) == ("", deep)
    assert everything() == before
    (library_model / STAMPS).unlink(missing_ok=True)
    os.mkfifo(library_model / STAMPS)
    assert not next(iter(look_files.weights(config, deep=False))).read_at
    weights = next(path for path in library_model.iterdir() if path.suffix == ".gguf")
    weights.write_bytes(weights.read_bytes()[:-1])
    (found,) = look_files.weights(config, deep=False)
    assert "another length" in found.problem
    os.truncate(weights, 0)
    (found,) = look_files.weights(config, deep=True)
    assert found.problem


def test_the_newest_whole_entry_tells_the_agents_time(node):
    log = node / "log"
    assert look_files.newest_entry_ms(log) is None
    lines = [json.dumps({"time_unix_ms": 1000 + index, "pad": "x" * 60_000}) + "\n" for index in range(4)]
    (log / "entries-000000.ndjson").write_text("".join(lines) + '{"time_unix_ms": 9')
    assert look_files.newest_entry_ms(log) == 1003
    (log / "entries-000001.ndjson").write_text("[]\n")
    assert look_files.newest_entry_ms(log) is None


PLANTED = [os.mkfifo, lambda place: place.symlink_to("/dev/zero")]
"""What would keep whoever reads it waiting, or without memory."""


@pytest.mark.parametrize("plant", PLANTED)
def test_nothing_that_a_process_leaves_in_its_folder_keeps_the_doctor_waiting(node, config, plant):
    plant(node / "state/witnessed.checkpoint")
    assert look_files.text_of(node / "state/witnessed.checkpoint") is None
    plant(node / "log/entries-000000.ndjson")
    assert look_files.newest_entry_ms(node / "log") is None
    (node / "daemon.pem").unlink()
    plant(node / "daemon.pem")
    problems = {each.setting: each.problem for each in look_files.certificates(config, None)}
    assert problems["listen.tls.cert"] == "a link or no plain file"
    (node / "model.gguf").unlink()
    plant(node / "model.gguf")
    assert "no plain file" in next(iter(look_files.weights(config, deep=True))).problem


def test_a_file_of_a_process_is_read_to_a_bound(node):
    with (node / "state/witnessed.checkpoint").open("wb") as file:
        file.truncate(1 << 40)
    assert look_files.text_of(node / "state/witnessed.checkpoint") is None


@pytest.mark.parametrize("said", ["[" * 60_000, "{}", '{"time_unix_ms": ' + "9" * 400 + "}"])
def test_an_entry_that_is_none_tells_no_time(node, said):
    (node / "log/entries-000000.ndjson").write_text(f"{said}\n")
    assert look_files.newest_entry_ms(node / "log") is None


def test_certificates_may_be_links(node, config):
    """As those that an authority's client renews are."""
    (node / "daemon.pem").rename(node / "daemon-2.pem")
    (node / "daemon.pem").symlink_to("daemon-2.pem")
    found = {each.setting: each for each in look_files.certificates(config, None)}
    assert found["listen.tls.cert"].is_key_fitting is True


def test_an_agents_file_that_is_none_is_left_alone(tmp_path):
    assert look_files.agent_file(tmp_path / "none.toml") is None
    (tmp_path / "bad.toml").write_text("[log")
    assert look_files.agent_file(tmp_path / "bad.toml") is None
    (tmp_path / "odd.toml").write_text("providers = 3\nlog = 4\n[listen]\ncertificate = 5\n")
    odd = look_files.agent_file(tmp_path / "odd.toml")
    assert look_files.certificates(None, odd) == ()
    assert look_files.rooms(None, odd) == ()
