"""`ringfence audit`: offline on files, online through the daemon."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from typer.testing import CliRunner

from fakes.egresslog import ORIGIN, ordinary, refusal, signed, tree_of, write, write_key
from ringfence.cosignature import Cosigner, cosign
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli.app import app

KEY = Ed25519PrivateKey.generate()
LOG = ordinary()


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "log", LOG, signed(LOG, KEY))
    write_key(tmp_path / "log.pub", KEY)
    (tmp_path / "kept").write_text(signed(LOG[:7], KEY))
    return tmp_path


def offline(folder, *more):
    arguments = ["audit", "verify", "--log", str(folder / "log"), "--key", str(folder / "log.pub"), *more]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def kept(folder):
    return ("--checkpoint", str(folder / "kept"))


def test_a_whole_log_is_verified_without_any_connection(folder):
    result = offline(folder, *kept(folder))
    assert result.exit_code == 0
    for piece in ("the log is whole", "kept checkpoint kept", "10 entries", "intent: 4", "bytes out: 400"):
        assert piece in result.stdout


def test_the_report_is_one_object_in_json(folder):
    told = json.loads(offline(folder, *kept(folder), "--json").stdout)
    assert told["ok"] is True
    assert [check["name"] for check in told["checks"]] == [
        "signature",
        "entries",
        "order",
        "root",
        "kept checkpoint kept",
        "pairing",
        "single use",
        "floor",
        "fields",
    ]


def test_without_an_older_checkpoint_the_auditor_is_told_what_that_means(folder):
    result = offline(folder)
    assert result.exit_code == 0
    assert "fork" in result.stderr


@pytest.mark.parametrize("tamper", ["truncated", "edited", "reordered", "forked"])
def test_tampering_fails_with_1_and_says_what(folder, tamper):
    entries = {
        "truncated": LOG[:-1],
        "edited": [*LOG[:4], LOG[4].replace(b'"bytes_in":50', b'"bytes_in":51'), *LOG[5:]],
        "reordered": [LOG[0], LOG[2], LOG[1], *LOG[3:]],
        "forked": [*LOG[:5], refusal(5).replace(b"residual", b"rate"), *LOG[6:]],
    }[tamper]
    note = signed(entries, KEY) if tamper == "forked" else signed(LOG, KEY)
    write(folder / "log", entries, note)
    result = offline(folder, *kept(folder))
    assert result.exit_code == 1
    assert "THE LOG IS NOT WHOLE" in result.stdout
    said = {"truncated": "truncated", "edited": "edited", "reordered": "#1 says it is #2", "forked": "forked"}
    assert said[tamper] in result.stdout


def test_a_missing_segment_fails(folder):
    (folder / "log" / "entries-000001.ndjson").unlink()
    result = offline(folder)
    assert result.exit_code == 1
    assert "is missing" in result.stderr


def test_a_folder_that_is_no_log_is_wrong_usage(folder):
    result = CliRunner().invoke(app, ["audit", "verify", "--log", str(folder), "--key", str(folder / "log.pub")])
    assert result.exit_code == 2
    assert "cannot read" in result.stderr


@pytest.mark.parametrize("key", [Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()], ids=["ed25519", "mldsa"])
def test_a_witness_that_is_named_must_have_cosigned(folder, key):
    witness = ("--witness", Cosigner("w.example", key.public_key()).vkey)
    assert offline(folder, *witness).exit_code == 1
    note = signed(LOG[:8], KEY)
    (folder / "log" / "checkpoint.cosigned").write_text(note + cosign(note, ORIGIN, "w.example", key, 1_700_000_000))
    result = offline(folder, *witness)
    assert result.exit_code == 0
    assert "cosigned 8 entries on 2023-11-14 at 22:13:20 UTC" in result.stdout


def test_a_cosigned_checkpoint_that_cannot_be_read_does_not_pass_for_none(folder):
    """It might be the one that shows a fork."""
    (folder / "log" / "checkpoint.cosigned").symlink_to("not mounted")
    result = offline(folder)
    assert result.exit_code == 2
    assert "cannot read" in result.stderr


def test_a_cosigned_checkpoint_that_the_log_does_not_begin_with_is_a_fork(folder):
    """Without anybody naming the witness: the log's own key signed it."""
    fork = [*LOG[:5], refusal(5).replace(b"residual", b"rate")]
    (folder / "log" / "checkpoint.cosigned").write_text(signed(fork, KEY))
    result = offline(folder)
    assert result.exit_code == 1
    assert "forked" in result.stdout


def test_what_is_no_witness_is_wrong_usage(folder):
    assert offline(folder, "--witness", "x").exit_code == 2


def serve(daemon, entries=LOG, note=None, witnessed=""):
    newest = note or signed(entries, KEY)
    daemon.script["GetCheckpoint"] = [audit.GetCheckpointResponse(checkpoint=newest, witnessed_checkpoint=witnessed)]
    daemon.script["SearchEntries"] = [audit.SearchEntriesResponse(index=i, entry=e) for i, e in enumerate(entries)]


def online(ringfence, folder, *more):
    return ringfence("audit", "verify", "--key", str(folder / "log.pub"), *more, name="auditor")


def test_online_every_entry_is_read_and_verified(daemon, ringfence, folder):
    serve(daemon, witnessed=signed(LOG[:9], KEY))
    result = online(ringfence, folder, *kept(folder))
    assert result.exit_code == 0
    assert "kept checkpoint of the daemon" in result.stdout
    assert daemon.requests[1][1] == audit.SearchEntriesRequest(from_index=0, until_index=10, entries_max=10_000)


def test_online_a_daemon_that_shows_another_log_is_found_out(daemon, ringfence, folder):
    fork = [*LOG[:5], refusal(5).replace(b"residual", b"rate"), *LOG[6:]]
    serve(daemon, fork)
    assert online(ringfence, folder, *kept(folder)).exit_code == 1


def test_online_what_the_daemon_witnessed_counts_as_kept(daemon, ringfence, folder):
    serve(daemon, LOG[:8], witnessed=signed(LOG, KEY))
    result = online(ringfence, folder)
    assert result.exit_code == 1
    assert "backwards" in result.stdout


def test_online_entries_that_do_not_come_are_said_plainly(daemon, ringfence, folder):
    serve(daemon)
    daemon.script["SearchEntries"] = []
    result = online(ringfence, folder)
    assert result.exit_code == 1
    assert "no entries from #0 on" in result.stderr


def test_tail_asks_for_the_newest_and_shows_one_a_line(daemon, ringfence):
    serve(daemon)
    daemon.script["SearchEntries"] = daemon.script["SearchEntries"][-3:]
    result = ringfence("audit", "tail", "-n", "3", name="auditor")
    assert result.exit_code == 0
    assert daemon.requests[1][1].from_index == 7
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert "2023-11-14 22:13:20" in lines[3]
    assert "cloud/gpt" in lines[3]
    assert "INTERNAL {PHI}" in lines[3]
    assert "of #6" in lines[2]


def test_tail_in_json_gives_the_entries_themselves(daemon, ringfence):
    serve(daemon)
    lines = ringfence("audit", "tail", "--json", name="auditor").stdout.splitlines()
    assert json.loads(lines[6]) == {"index": 6, "entry": json.loads(LOG[6])}


def test_tail_follows_until_the_stream_ends(daemon, ringfence):
    serve(daemon)
    daemon.script["WatchEntries"] = [audit.WatchEntriesResponse(index=9, entry=LOG[9])]
    result = ringfence("audit", "tail", "-n", "1", "--follow", name="auditor")
    assert daemon.requests[1] == ("WatchEntries", audit.WatchEntriesRequest(from_index=9))
    assert "intent" in result.stdout


def test_an_unreadable_entry_is_shown_as_such(daemon, ringfence):
    serve(daemon, [b"\xff\x1b[2J"])
    result = ringfence("audit", "tail", name="auditor")
    assert "unreadable" in result.stdout
    assert "\x1b" not in result.stdout


def proof(index=6, entry=None):
    path = tree_of(LOG).inclusion(index, len(LOG))
    return EntryProof(entry=entry or LOG[index], index=index, inclusion_path=path, checkpoint=signed(LOG, KEY))


def test_show_verifies_the_entry_when_it_has_the_key(daemon, ringfence, folder):
    daemon.script["GetEntry"] = [audit.GetEntryResponse(proof=proof())]
    result = ringfence("audit", "show", "6", "--key", str(folder / "log.pub"), name="auditor")
    assert result.exit_code == 0
    assert '"request_id": "r6"' in result.stdout
    assert "holds it among 10 entries" in result.stdout


def test_show_fails_when_the_log_does_not_hold_the_entry(daemon, ringfence, folder):
    daemon.script["GetEntry"] = [audit.GetEntryResponse(proof=proof(entry=LOG[5]))]
    result = ringfence("audit", "show", "6", "--key", str(folder / "log.pub"), "--json", name="auditor")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verified"] is False


def test_show_without_a_key_says_that_nothing_was_verified(daemon, ringfence):
    daemon.script["GetEntry"] = [audit.GetEntryResponse(proof=proof())]
    result = ringfence("audit", "show", "6", name="auditor")
    assert result.exit_code == 0
    assert "not verified" in result.stderr


def test_a_checkpoint_can_be_kept_as_it_is(daemon, ringfence):
    serve(daemon)
    assert ringfence("audit", "checkpoint", name="auditor").stdout == signed(LOG, KEY)
    assert json.loads(ringfence("audit", "checkpoint", "--json", name="auditor").stdout)["witnessedCheckpoint"] == ""
