"""`ringfence audit watch`: from entries of a daemon to alerts, through restarts."""

import json
import os
import signal
import threading

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.daemon import HANG, Fail
from fakes.egresslog import ORIGIN, entry, signed
from ringfence.client import RingfenceCallError
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli.auditing.cursor import CursorFile, Place
from ringfenced.cli.auditing.dispatch import Dispatcher
from ringfenced.cli.auditing.engine import Engine
from ringfenced.cli.auditing.rules import Rules
from ringfenced.cli.auditing.watching import Watch
from ringfenced.cli.exits import Failure
from ringfenced.cli.settings import Connection

KEY = Ed25519PrivateKey.generate()
NOW = 1_700_000_100_000
"""A while after the entries that fakes.egresslog writes."""


def refusal(index, department="ward"):
    return entry(index, "refusal", department=department, reasons=["residual"], caller="p-1")


LOG = [entry(0, "start"), *(refusal(index) for index in range(1, 6))]
RULES = {"seen": [{"name": "residual", "reasons": ["residual"], "quiet_seconds": 0, "actions": ["way", "stdout"]}]}
WAY = {"command": [{"name": "way", "argv": ["/bin/true"]}]}


def serve(daemon, entries, watched, *end):
    daemon.script["GetCheckpoint"] = [audit.GetCheckpointResponse(checkpoint=signed(entries, KEY))]
    daemon.script["WatchEntries"] = [
        *(audit.WatchEntriesResponse(index=index, entry=entries[index]) for index in watched),
        *end,
    ]
    daemon.script["GetEntry"] = [audit.GetEntryResponse(proof=EntryProof(entry=entries[0], index=0))]


class Way:
    """Keeps what it is given, and may stand still."""

    def __init__(self):
        self.ran, self.gate = [], threading.Event()
        self.gate.set()

    def run(self, alert):
        self.gate.wait(20)
        self.ran.append(alert.index)


class Stage:
    """A watch whose end comes after so many alerts."""

    def __init__(self, daemon, file=None, rules=RULES, alerts=0, clock=lambda: NOW):
        self.way, self.shown, self.told = Way(), [], []
        self.daemon = daemon
        self.dispatcher = Dispatcher({"way": self.way}, self.told.append)
        engine = Engine(Rules.model_validate(rules | WAY), NOW)
        self.watch = Watch(engine, self.dispatcher, file, Place(ORIGIN), self.show, self.told.append, clock)
        self.left = alerts

    def show(self, alert):
        self.shown.append(alert.index)
        self.left -= 1
        if not self.left:
            self.watch.ended.set()

    def run(self):
        self.watch.run(Connection(self.daemon.target, self.daemon.identity("auditor"), ""))
        assert self.dispatcher.drained(20)
        self.watch.save()
        self.dispatcher.end()


def test_entries_become_alerts_shown_and_told(daemon):
    serve(daemon, LOG, range(6), HANG)
    stage = Stage(daemon, alerts=5)
    stage.run()
    assert stage.shown == stage.way.ran == [1, 2, 3, 4, 5]


def test_a_restart_goes_on_and_tells_nothing_twice(daemon, tmp_path):
    file = CursorFile(tmp_path / "cursor")
    serve(daemon, LOG, range(3), HANG)
    first = Stage(daemon, file, alerts=2)
    first.run()
    place, kept = file.load(ORIGIN)
    assert place == Place(ORIGIN).after(2, LOG[2])
    serve(daemon, LOG, range(3, 6), HANG)
    daemon.script["GetEntry"] = [audit.GetEntryResponse(proof=EntryProof(entry=LOG[2], index=2))]
    second = Stage(daemon, file, alerts=3)
    second.watch.place = place
    second.watch.go_on(kept)
    second.run()
    assert (first.shown, second.shown) == ([1, 2], [3, 4, 5])
    assert [request.from_index for name, request in daemon.requests if name == "WatchEntries"] == [0, 3]


def test_an_alert_that_was_not_told_before_the_end_is_told_after_it(daemon, tmp_path):
    file = CursorFile(tmp_path / "cursor")
    serve(daemon, LOG, range(2), HANG)
    first = Stage(daemon, file, alerts=1)
    first.way.gate.clear()
    first.watch.run(Connection(daemon.target, daemon.identity("auditor"), ""))
    _, kept = file.load(ORIGIN)
    first.dispatcher.end()
    first.way.gate.set()
    second = Stage(daemon, file)
    second.watch.go_on(json.loads(json.dumps(kept)))
    assert second.dispatcher.drained(20)
    assert second.way.ran == [1]
    second.dispatcher.end()


def test_history_raises_no_alert(daemon):
    serve(daemon, LOG, range(6), HANG)
    stage = Stage(daemon, alerts=2)
    stage.watch.learn_until_ms = json.loads(LOG[4])["time_unix_ms"]
    stage.run()
    assert stage.shown == [4, 5]


def test_a_daemon_that_goes_away_is_told_of_and_silence_is_counted_meanwhile(daemon):
    serve(daemon, LOG, (), Fail(grpc.StatusCode.UNAVAILABLE, "the agent is away"))
    now = [NOW]

    def clock():
        now[0] += 60_000
        return now[0]

    rules = {"silence": [{"name": "silent", "minutes": 2, "quiet_seconds": 86_400}]}
    stage = Stage(daemon, rules=rules, alerts=1, clock=clock)
    stage.run()
    assert stage.shown == [None]
    assert "away" in stage.told[0]


def test_a_daemon_that_forbids_it_ends_it(daemon):
    serve(daemon, LOG, (), Fail(grpc.StatusCode.PERMISSION_DENIED, "no"))
    stage = Stage(daemon)
    with pytest.raises(RingfenceCallError, match="no"):
        stage.run()
    stage.dispatcher.end()


def test_a_fork_ends_it(daemon):
    serve(daemon, LOG, range(6), HANG)
    stage = Stage(daemon)
    stage.watch.place = Place(ORIGIN).after(0, LOG[1])
    with pytest.raises(Failure, match="forked"):
        stage.run()
    stage.dispatcher.end()


def test_a_cursor_of_an_export_is_refused(daemon):
    stage = Stage(daemon)
    for kept in (None, {}, {"rules": {"residual": {}}, "pending": []}, {"rules": [], "pending": 1}):
        with pytest.raises(Failure, match="no state of a watch"):
            stage.watch.go_on(kept)
    stage.dispatcher.end()


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text('[[seen]]\nname = "residual"\nreasons = ["residual"]\nquiet_seconds = 0\nseverity = "high"\n')
    return path


def test_the_command_learns_then_alerts_and_ends_with_its_state_kept_at_sigterm(
    daemon, ringfence, rules, tmp_path, monkeypatch
):
    later = [*LOG, refusal(6).replace(b'"time_unix_ms":17', b'"time_unix_ms":47')]
    serve(daemon, later, range(7), HANG)
    daemon.script["SearchEntries"] = [audit.SearchEntriesResponse(index=0, entry=later[0])]
    see = Engine.see

    def seen(self, record, *arguments, **keywords):
        if record.index == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return see(self, record, *arguments, **keywords)

    monkeypatch.setattr(Engine, "see", seen)
    result = ringfence(
        "audit", "watch", "--rules", str(rules), "--cursor", str(tmp_path / "c"), "--json", name="auditor"
    )
    assert result.exit_code == 0
    (alert,) = (json.loads(line) for line in result.stdout.splitlines())
    assert (alert["rule"], alert["index"], alert["severity"]) == ("residual", 6, "high")
    kept = json.loads((tmp_path / "c").read_text())
    assert kept["following"] == 7
    assert kept["kept"]["rules"]["residual"]["hour"]


def test_rules_are_checked_without_any_connection(ringfence, rules):
    assert "1 rules" in ringfence("audit", "watch", "--rules", str(rules), "--check").stdout
    rules.write_text('[[seen]]\nname = "a"\nkind = ["x"]\n')
    result = ringfence("audit", "watch", "--rules", str(rules), "--check")
    assert result.exit_code == 2
    assert "rules.toml:3: seen[0].kind: is unknown; write kinds" in result.stderr
