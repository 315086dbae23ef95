"""`ringfence audit witness`: growth is kept and cosigned; a contradiction is kept as evidence and never forgotten."""

import json
import os
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fakes.daemon import Fail
from fakes.egresslog import ORIGIN, ordinary, refusal, signed, tree_of, write_key
from ringfence.cosignature import cosigned_at, read_vkey
from ringfence.v1 import audit_pb2 as audit

KEY = Ed25519PrivateKey.generate()
LOG = ordinary()
FORK = [*LOG[:3], refusal(3), *LOG[4:]]


@pytest.fixture
def look(daemon, ringfence, tmp_path):
    """One look at a log of so many entries."""
    write_key(tmp_path / "log.pub", KEY)

    def run(size, *more, entries=LOG, old=None, first=None):
        daemon.script["GetCheckpoint"] = [audit.GetCheckpointResponse(checkpoint=signed(entries[:size], KEY))]
        first = not os.path.lexists(tmp_path / "kept") if first is None else first
        path = tree_of(entries).consistency(old, size) if old else ()
        daemon.script["GetConsistency"] = [audit.GetConsistencyResponse(path=path)]
        return ringfence(
            *("audit", "witness", "--key", str(tmp_path / "log.pub"), "--kept", str(tmp_path / "kept")),
            *(("--first",) if first else ()),
            *more,
            name="auditor",
        )

    return run


@pytest.fixture
def signers(tmp_path):
    found = []
    for number, key in enumerate((Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())):
        file = tmp_path / f"{number}.key"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        found += ["--sign", str(file)]
    return ["--name", "auditors.example/w", *found]


def test_the_first_is_kept_and_growth_is_proven(look, daemon, tmp_path):
    assert look(4).exit_code == 0
    assert (tmp_path / "kept").read_text() == signed(LOG[:4], KEY)
    result = look(9, old=4)
    assert result.exit_code == 0
    assert "9 entries" in result.stdout
    assert (tmp_path / "kept").read_text() == signed(LOG[:9], KEY)
    assert daemon.requests[-1] == ("GetConsistency", audit.GetConsistencyRequest(old_size=4, new_size=9))
    assert look(9).exit_code == 0
    assert not (tmp_path / "kept.cosigned").exists()


def test_what_is_seen_is_cosigned_with_every_key(look, signers, tmp_path):
    result = look(4, *signers, "--json")
    assert json.loads(result.stdout)["cosigned"] is True
    vkeys = [line.removeprefix("verifier key: ") for line in result.stderr.splitlines() if line.startswith("verifier")]
    note = (tmp_path / "kept.cosigned").read_bytes().decode()
    assert len(vkeys) == 2
    assert all(cosigned_at(note, ORIGIN, read_vkey(vkey)) > 0 for vkey in vkeys)


def test_what_nobody_saw_yet_is_trusted_only_where_that_is_said(look, daemon, tmp_path):
    """A host that lost its memory must not take a log that was rolled back for the first that it sees."""
    result = look(4, first=False)
    assert result.exit_code == 1
    assert "is not there" in result.stderr
    assert "--first" in result.stderr
    assert daemon.requests == []
    result = look(4, first=True)
    assert result.exit_code == 0
    assert "trusted as the first, kept" in result.stdout
    assert json.loads(look(9, "--json", old=4).stdout)["first"] is False


def test_the_first_look_is_the_first_once(look, daemon, tmp_path):
    look(4)
    asked = len(daemon.requests)
    result = look(9, old=4, first=True)
    assert result.exit_code == 2
    assert "leave --first out" in result.stderr
    assert len(daemon.requests) == asked
    assert (tmp_path / "kept").read_text() == signed(LOG[:4], KEY)


@pytest.mark.parametrize("content", [b"", b"\n", b"ringfence.example/egress\n3\n", b"\xff\xfe"])
@pytest.mark.parametrize("first", [False, True])
def test_a_memory_that_is_empty_or_damaged_is_no_leave_to_trust(look, daemon, tmp_path, content, first):
    """The shell makes the file for a command that fails, too."""
    (tmp_path / "kept").write_bytes(content)
    result = look(4, entries=FORK, first=first)
    assert result.exit_code == (2 if first else 1)
    assert daemon.requests == []
    assert (tmp_path / "kept").read_bytes() == content
    assert not (tmp_path / "kept.cosigned").exists()
    assert not (tmp_path / "kept.condemned").exists()
    if not first:
        assert "holds no checkpoint of this log" in result.stderr
        assert "restore it from a copy" in result.stderr


@pytest.mark.parametrize("first", [False, True])
def test_a_memory_that_cannot_be_read_is_no_leave_to_trust(look, daemon, tmp_path, first):
    """A link to where nothing is mounted yet, for instance."""
    (tmp_path / "kept").symlink_to(tmp_path / "not mounted" / "kept")
    result = look(4, first=first)
    assert result.exit_code == 1
    assert "cannot keep" in result.stderr
    assert daemon.requests == []
    assert (tmp_path / "kept").is_symlink()


def test_evidence_that_nobody_can_look_for_is_no_leave_to_trust(look, daemon, tmp_path, monkeypatch):
    def lstat(path, original=Path.lstat):
        if path.name == "kept.condemned":
            raise OSError(5, "Input/output error")
        return original(path)

    look(4)
    asked = len(daemon.requests)
    monkeypatch.setattr(Path, "lstat", lstat)
    result = look(9, old=4)
    assert result.exit_code == 1
    assert "Input/output error" in result.stderr
    assert len(daemon.requests) == asked


def test_a_memory_that_goes_away_while_it_looks_again_is_missed(look, monkeypatch, tmp_path):
    monkeypatch.setattr("ringfenced.cli.audit_witness.time.sleep", lambda _seconds: (tmp_path / "kept").unlink())
    result = look(6, "--interval", "30")
    assert result.exit_code == 1
    assert "is not there" in result.stderr
    assert result.stdout.count("6 entries") == 1


@pytest.mark.parametrize("how", ["forked", "backwards", "unproven", "same size"])
def test_a_contradiction_is_loud_kept_and_not_forgotten(look, daemon, signers, tmp_path, how):
    look(6)
    match how:
        case "forked":
            result = look(9, *signers, entries=FORK, old=6)
        case "backwards":
            result = look(5, *signers)
        case "same size":
            result = look(6, *signers, entries=FORK)
        case _:
            result = look(9, *signers)
    assert result.exit_code == 1
    assert "THE LOG CONTRADICTS ITSELF" in result.stderr
    evidence = json.loads((tmp_path / "kept.condemned").read_text())
    assert evidence["kept"] == signed(LOG[:6], KEY) == (tmp_path / "kept").read_text()
    assert evidence["seen"] != evidence["kept"]
    assert not (tmp_path / "kept.cosigned").exists()
    assert look(9, old=6).exit_code == 1
    (tmp_path / "kept.condemned").unlink()
    assert look(9, old=6).exit_code == 0


def test_a_log_that_has_no_proof_is_caught(look, daemon, tmp_path):
    look(6)
    daemon.script["GetConsistency"] = [Fail(grpc.StatusCode.NOT_FOUND, "the log has 3 entries")]
    original = daemon.script["GetConsistency"]

    class Kept(dict):
        def __setitem__(self, name, value):
            super().__setitem__(name, original if name == "GetConsistency" else value)

    daemon.script = Kept(daemon.script)
    assert look(9).exit_code == 1
    assert "cannot prove" in json.loads((tmp_path / "kept.condemned").read_text())["why"]


def test_a_checkpoint_of_another_key_is_refused_and_is_no_evidence_against_the_log(look, tmp_path):
    look(6)
    write_key(tmp_path / "log.pub", Ed25519PrivateKey.generate())
    result = look(9, old=6)
    assert result.exit_code == 1
    assert "no checkpoint of this log" in result.stderr
    assert not (tmp_path / "kept.condemned").exists()


def test_a_daemon_that_is_away_is_no_contradiction(look, daemon, ringfence, tmp_path):
    look(6)
    daemon.script["GetCheckpoint"] = [Fail(grpc.StatusCode.UNAVAILABLE, "away")]
    result = ringfence(
        *("audit", "witness", "--key", str(tmp_path / "log.pub"), "--kept", str(tmp_path / "kept")), name="auditor"
    )
    assert result.exit_code == 6
    assert not (tmp_path / "kept.condemned").exists()


def test_it_looks_again_until_it_is_stopped(look, monkeypatch, tmp_path):
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("ringfenced.cli.audit_witness.time.sleep", sleep)
    result = look(6, "--interval", "30")
    assert naps == [30, 30, 30]
    assert result.stdout.count("6 entries") == 3


@pytest.mark.parametrize("more", [["--name", "w"], ["--sign"], ["--name", "a b", "--sign"]])
def test_a_witness_that_cosigns_has_a_name_and_keys(look, signers, more):
    arguments = [*more, signers[-1]] if more[-1] == "--sign" else more
    assert look(6, *arguments).exit_code != 0


def test_what_is_no_signing_key_is_refused(look, tmp_path):
    result = look(6, "--name", "w", "--sign", str(tmp_path / "log.pub"))
    assert result.exit_code == 2
    assert "no private key" in result.stderr


def test_a_disk_that_fails_is_said(look, tmp_path):
    (tmp_path / "kept.new").mkdir()
    result = look(6)
    assert result.exit_code == 1
    assert "cannot keep" in result.stderr
