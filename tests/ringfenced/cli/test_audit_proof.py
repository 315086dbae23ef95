"""`ringfence audit proof` and `audit check`: one file that anybody can check without asking anybody."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from fakes.egresslog import ordinary, signed, tree_of, write_key
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli.app import app

KEY = Ed25519PrivateKey.generate()
LOG = ordinary()


@pytest.fixture
def written(daemon, ringfence, tmp_path):
    """The file of entry 6, and the log's key beside it."""
    path = tree_of(LOG).inclusion(6, len(LOG))
    proof = EntryProof(entry=LOG[6], index=6, inclusion_path=path, checkpoint=signed(LOG, KEY))
    daemon.script["GetEntry"] = [audit.GetEntryResponse(proof=proof)]
    write_key(tmp_path / "log.pub", KEY)

    def write(*more):
        file = tmp_path / "entry.tlog-proof"
        result = ringfence("audit", "proof", "6", "--out", str(file), *more, name="auditor")
        assert result.exit_code == 0
        return file

    return write


def check(file, *more):
    key = str(file.parent / "log.pub")
    return CliRunner().invoke(app, ["audit", "check", str(file), "--key", key, *more], catch_exceptions=False)


def test_a_proof_is_checked_offline_and_shows_its_entry(written):
    file = written()
    assert file.read_text().startswith("c2sp.org/tlog-proof@v1\nextra ")
    result = check(file)
    assert result.exit_code == 0
    assert '"request_id": "r6"' in result.stdout
    assert "holds it as #6 among 10 entries" in result.stdout
    assert json.loads(check(file, "--json").stdout)["entry"] == json.loads(LOG[6])


def test_without_the_entry_in_it_whoever_checks_brings_it(written, tmp_path):
    file = written("--without-entry")
    assert check(file).exit_code == 2
    (tmp_path / "entry").write_bytes(LOG[6])
    assert check(file, "--entry", str(tmp_path / "entry")).exit_code == 0
    (tmp_path / "entry").write_bytes(LOG[5])
    assert check(file, "--entry", str(tmp_path / "entry")).exit_code == 1


def test_a_changed_file_proves_nothing(written):
    file = written()
    file.write_text(file.read_text().replace("index 6", "index 5"))
    result = check(file)
    assert result.exit_code == 1
    assert "proves nothing" in result.stderr
    file.write_text("anything")
    assert check(file).exit_code == 1


def test_another_logs_key_does_not_pass(written, tmp_path):
    file = written()
    write_key(tmp_path / "log.pub", Ed25519PrivateKey.generate())
    assert check(file).exit_code == 1


def test_to_stdout_it_can_be_piped(written, ringfence):
    written()
    assert ringfence("audit", "proof", "6", name="auditor").stdout.startswith("c2sp.org/tlog-proof@v1\n")


def test_where_it_cannot_be_written_is_said(written, ringfence, tmp_path):
    written()
    result = ringfence("audit", "proof", "6", "--out", str(tmp_path / "no" / "file"), name="auditor")
    assert result.exit_code == 2
    assert "cannot write" in result.stderr
