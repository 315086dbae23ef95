"""An opened payload is said to be the one committed to only where it is, and each way in which it is not is told."""

import json
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fakes.egresslog import ORIGIN, entry, outcome, signed, tree_of, write, write_key
from ringfence import sealkeys
from ringfence.commitment import commitment
from ringfence.sealed import HEAD_BYTES, Name, read_head, seal
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli.app import app
from ringfenced.cli.opening import opening

LOG_KEY = Ed25519PrivateKey.generate()
PRIVATE, PUBLIC = sealkeys.make()
KEY, RECIPIENT = sealkeys.load_private(PRIVATE), sealkeys.load_public(PUBLIC)
SALT = bytes(range(32))


def intent(index, body, **changes):
    fields = {"permit_sha256": f"p{index}", "bytes_out": len(body), "commitment": commitment(SALT, body)}
    return entry(index, "intent", **{**fields, "label": {"level": "INTERNAL", "categories": []}, **changes})


def record(index, body, origin=ORIGIN, committed=None):
    name = Name(index, 1_700_000_000_000 + index, bytes.fromhex(commitment(SALT, committed or body)))
    return seal(name, origin, SALT, body, RECIPIENT)


def split(data):
    return read_head(data), data[HEAD_BYTES:]


def failed(found):
    return [check.name for check in found.checks if not check.ok]


@given(st.binary(max_size=500))
def test_the_payload_that_was_committed_to_opens(body):
    found = opening(1, intent(1, body), [split(record(1, body))], ORIGIN, KEY)
    assert failed(found) == []
    assert found.opened.body == body


def test_another_payload_than_the_one_committed_to_is_told():
    """An agent that archives something else than it sends cannot hide it."""
    found = opening(1, intent(1, b"sent"), [split(record(1, b"archived", committed=b"sent"))], ORIGIN, KEY)
    assert failed(found) == ["commitment"]
    assert found.opened is None


@pytest.mark.parametrize(
    ("name", "said", "records"),
    [
        ("entry", entry(1, "refusal", reasons=["residual"]), []),
        ("entry", intent(2, b"body"), []),
        ("entry", b"{", []),
        ("record", intent(1, b"body"), []),
        ("record", intent(1, b"body"), [record(2, b"body")]),
        ("record", intent(1, b"body", time_unix_ms=5), [record(1, b"body")]),
        ("record", intent(1, b"other"), [record(1, b"body")]),
        ("seal", intent(1, b"body"), [record(1, b"body", origin="other/log")]),
        ("commitment", intent(1, b"body", bytes_out=3), [record(1, b"body")]),
    ],
)
def test_what_does_not_fit_is_told_by_name(name, said, records):
    found = opening(1, said, [split(one) for one in records], ORIGIN, KEY)
    assert failed(found) == [name]
    assert found.opened is None


@pytest.fixture
def auditors(tmp_path):
    """A log with two intents, an archive that holds both, the second torn, and the auditors' keys."""
    log = [entry(0, "start", cut_bytes=0), intent(1, b"first"), outcome(2, 1, "p1"), intent(3, b"second")]
    write(tmp_path / "log", log, signed(log, LOG_KEY))
    write_key(tmp_path / "log.pub", LOG_KEY)
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "sealed-000000000001.rec").write_bytes(record(1, b"first") + record(3, b"second")[:-1])
    (tmp_path / "auditors.key").write_bytes(PRIVATE)
    proof = EntryProof(
        entry=log[1], index=1, inclusion_path=tree_of(log).inclusion(1, 4), checkpoint=signed(log, LOG_KEY)
    )
    (tmp_path / "shown.json").write_text(json.dumps({"index": 1, "proof": MessageToDict(proof)}))
    return tmp_path


def run(folder, index, *more, key="auditors.key", log="log"):
    arguments = ["audit", "open", str(index), "--archive", str(folder / "archive"), "--key", str(folder / key)]
    source = ["--log", str(folder / log)] if log else []
    arguments += ["--log-key", str(folder / "log.pub"), *source, *more]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_record_is_opened_and_written_for_its_owner_alone(auditors):
    result = run(auditors, 1, "--out", str(auditors / "body"))
    assert result.exit_code == 0
    assert "first" not in result.stdout
    assert (auditors / "body").read_bytes() == b"first"
    assert stat.S_IMODE((auditors / "body").stat().st_mode) == 0o600
    assert run(auditors, 1, "--out", str(auditors / "body")).exit_code == 2


def test_a_shown_entry_serves_instead_of_the_log(auditors):
    result = run(auditors, 1, "--entry", str(auditors / "shown.json"), "--json", log="")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"]) == (0, True)
    assert [check["name"] for check in told["checks"]] == ["inclusion", "entry", "record", "seal", "commitment"]


def test_an_entry_that_the_log_does_not_hold_opens_nothing(auditors):
    shown = json.loads((auditors / "shown.json").read_text())
    forged = EntryProof(entry=intent(1, b"other"))
    shown["proof"]["entry"] = MessageToDict(forged)["entry"]
    (auditors / "shown.json").write_text(json.dumps(shown))
    result = run(auditors, 1, "--entry", str(auditors / "shown.json"), "--json", log="")
    assert result.exit_code == 1
    assert [check["name"] for check in json.loads(result.stdout)["checks"]] == ["inclusion"]


def test_a_log_that_was_edited_opens_nothing(auditors):
    path = auditors / "log" / "entries-000000.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"p3"', b'"p4"'))
    result = run(auditors, 1, "--out", str(auditors / "body"))
    assert result.exit_code == 1
    assert not (auditors / "body").exists()


def test_a_torn_record_is_told_as_missing(auditors):
    result = run(auditors, 3)
    assert result.exit_code == 1
    assert "no record of this intent" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {"key": "log.pub"}),
        ((), {"key": "absent"}),
        ((), {"log": ""}),
        (("--entry", "x"), {}),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(auditors, arguments, options):
    assert run(auditors, 1, *arguments, **options).exit_code == 2


def test_another_key_opens_nothing(auditors):
    (auditors / "auditors.key").write_bytes(sealkeys.make()[0])
    result = run(auditors, 1)
    assert result.exit_code == 1
    assert "another key" in result.stdout


def test_new_key_makes_a_pair_and_replaces_none(tmp_path):
    def make():
        return CliRunner().invoke(app, ["audit", "new-key", str(tmp_path / "auditors")], catch_exceptions=False)

    assert make().exit_code == 0
    sealkeys.load_public((tmp_path / "auditors.pub").read_bytes())
    sealkeys.load_private((tmp_path / "auditors.key").read_bytes())
    assert stat.S_IMODE((tmp_path / "auditors.key").stat().st_mode) == 0o600
    assert make().exit_code == 2
