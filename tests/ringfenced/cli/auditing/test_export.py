"""`ringfence audit export`: everything arrives at least once, whatever dies; and nothing of another log."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from fakes.daemon import Fail
from fakes.egresslog import ORIGIN, entry, ordinary, refusal, signed, write
from fakes.syslog import SyslogServer
from ringfence.translog import leaf_hash
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli.app import app
from ringfenced.cli.auditing.cursor import CursorFile, Place
from ringfenced.cli.auditing.export import TRIES_MAX, Export
from ringfenced.cli.auditing.sinks import SinkError
from ringfenced.cli.exits import Failure
from ringfenced.cli.settings import Connection

KEY = Ed25519PrivateKey.generate()
LOG = ordinary()
ROOT = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "log", LOG, signed(LOG, KEY))
    return tmp_path


def run(folder, *more, form="ndjson", to=None):
    arguments = ["audit", "export", "--log", str(folder / "log"), "--format", form, "--to", to or str(folder / "out")]
    return CliRunner().invoke(app, [*arguments, *more], catch_exceptions=False)


def with_cursor(folder):
    return ("--cursor", str(folder / "cursor"))


def indices(data):
    return [json.loads(line)["index"] for line in data.splitlines()]


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_log_becomes_a_file_and_the_next_export_goes_on(folder):
    assert run(folder, *with_cursor(folder)).exit_code == 0
    assert indices((folder / "out").read_bytes()) == list(range(10))
    more = [*LOG, entry(10, "start", cut_bytes=0)]
    write(folder / "log", more, signed(more, KEY))
    result = run(folder, *with_cursor(folder))
    assert "1 entries delivered" in result.stderr
    assert indices((folder / "out").read_bytes()) == list(range(11))
    assert json.loads((folder / "cursor").read_text())["leaf"] == leaf_hash(more[10]).hex()


@pytest.mark.parametrize("form", ["ocsf", "cef", "rfc5424", "ndjson"])
def test_every_format_is_a_line_an_entry_on_standard_output(folder, form):
    result = run(folder, form=form, to="-")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 10


def test_a_cursor_of_a_fork_is_refused_and_nothing_is_delivered(folder):
    run(folder, *with_cursor(folder))
    fork = [*LOG[:9], refusal(9)]
    write(folder / "log", fork, signed(fork, KEY))
    before = (folder / "out").read_bytes()
    result = run(folder, *with_cursor(folder))
    assert result.exit_code == 1
    assert "forked" in result.stderr
    assert (folder / "out").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "to", "said"),
    [
        (("--follow",), "out", "--log"),
        ((), "udp://localhost:1", "not encrypted"),
        ((), "tcp://localhost:1", "not encrypted"),
        ((), "http://localhost", "not known"),
        (("--sink-ca", "/none"), "tcp+tls://localhost:1", "--sink-ca"),
    ],
)
def test_wrong_usage(folder, arguments, to, said):
    result = run(folder, *arguments, to=to)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_unknown_format_is_wrong_usage(folder):
    assert run(folder, form="xml").exit_code == 2


# ── a syslog server ──────────────────────────────────────────────────────────────────────────────────────────────────


def over_tls(server, *more):
    trust = server.trust()
    files = ["--sink-ca", str(trust.ca), "--sink-cert", str(trust.certificate), "--sink-key", str(trust.key)]
    return {"to": f"tcp+tls://localhost:{server.port}"}, [*files, *more]


def test_over_tls_with_both_certificates(folder, certs):
    with SyslogServer(certs, demands_certificate=True) as server:
        keywords, options = over_tls(server, "--host", "node1", *with_cursor(folder))
        assert run(folder, *options, form="rfc5424", **keywords).exit_code == 0
        assert len(server.messages) == 10
        assert all(b" node1 ringfence-agent - " in message for message in server.messages)


def test_json_in_the_text_of_a_syslog_message_or_a_line_alone(folder, certs):
    with SyslogServer(certs) as server:
        keywords, options = over_tls(server)
        run(folder, *options, **keywords)
        assert server.messages[0].startswith(b"<110>1 ")
        assert json.loads(server.messages[3].partition(b" - {")[2].join([b"{", b""]))["index"] == 3
    with SyslogServer(certs, lines=True) as server:
        keywords, options = over_tls(server, "--framing", "lines")
        run(folder, *options, **keywords)
        assert indices(b"\n".join(server.messages)) == list(range(10))


def test_killed_in_the_middle_again_and_again_it_loses_nothing(folder, certs):
    """kill -9 while entries are under way; the last run ends by itself."""
    log = [entry(index, "refusal", permit_sha256="a" * 64, bytes_out=0, reasons=["x" * 300]) for index in range(6000)]
    write(folder / "log", log, signed(log, KEY), segment_entries=1000)
    with SyslogServer(certs, lines=True) as server:
        keywords, options = over_tls(server, "--framing", "lines", *with_cursor(folder))
        command = [
            "audit",
            "export",
            "--log",
            str(folder / "log"),
            "--format",
            "ndjson",
            "--to",
            keywords["to"],
            *options,
        ]
        code = "from ringfenced.cli import main; main()"
        roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon"))
        for count in (300, 2000, 4000, 0):
            process = subprocess.Popen([sys.executable, "-c", code, *command], env={**os.environ, "PYTHONPATH": roots})
            if count:
                server.await_messages(count)
                process.send_signal(signal.SIGKILL)
            assert process.wait(60) == (-signal.SIGKILL if count else 0)
        assert list(dict.fromkeys(indices(b"\n".join(server.messages)))) == list(range(6000))


# ── sinks and daemons that come and go ───────────────────────────────────────────────────────────────────────────────


class Sink:
    """Fails as often as it is told to."""

    def __init__(self, failures=0):
        self.failures, self.records = failures, []

    def deliver(self, records):
        if self.failures:
            self.failures -= 1
            raise SinkError("down")
        self.records += records

    def close(self):
        pass


class Enough(Exception):
    """Ends what goes on for ever."""


def exporting(sink, cursor=None, *, patient=False, waits=99):
    told, left = [], [waits]

    def pause(_seconds):
        left[0] -= 1
        if left[0] < 0:
            raise Enough

    form = lambda record: b"%d" % record.index  # noqa: E731
    return Export(sink, form, cursor, Place(ORIGIN), told.append, patient=patient, pause=pause), told


def test_a_sink_that_is_down_for_a_while_gets_everything(tmp_path):
    running, told = exporting(Sink(failures=TRIES_MAX - 1), CursorFile(tmp_path / "cursor"))
    assert running.take(enumerate(LOG)) == 10
    assert len(running.sink.records) == 10
    assert len(told) == TRIES_MAX - 1
    assert "trying again" in told[0]


def test_a_sink_that_stays_down_ends_the_export_and_the_cursor_stays(tmp_path):
    file = CursorFile(tmp_path / "cursor")
    running, _ = exporting(Sink(failures=TRIES_MAX), file)
    with pytest.raises(Failure, match="down") as caught:
        running.take(enumerate(LOG))
    assert caught.value.advice
    assert file.load(ORIGIN)[0] == Place(ORIGIN)


def serve(daemon, entries, watched, *end):
    """A daemon whose log is `entries`, and whose stream gives those of `watched`."""
    daemon.script["GetCheckpoint"] = [audit.GetCheckpointResponse(checkpoint=signed(entries, KEY))]
    daemon.script["WatchEntries"] = [
        *(audit.WatchEntriesResponse(index=index, entry=entries[index]) for index in watched),
        *end,
    ]


def connection(daemon):
    return Connection(daemon.target, daemon.identity("auditor"), "")


def follow(running, daemon, kind=Enough):
    with pytest.raises(kind) as caught:
        running.follow(connection(daemon))
    return caught.value


def test_it_follows_the_daemon_and_asks_again_from_where_it_was(daemon):
    serve(daemon, LOG, range(6))
    daemon.script["GetEntry"] = [audit.GetEntryResponse(proof=EntryProof(entry=LOG[5], index=5))]
    running, told = exporting(Sink(), patient=True, waits=1)
    follow(running, daemon, Failure)  # the same six once more: #6 was due, #0 came
    assert running.sink.records == [b"%d" % index for index in range(6)]
    assert "ended the stream" in told[0]
    assert [request.from_index for name, request in daemon.requests if name == "WatchEntries"] == [0, 6]


def test_a_daemon_that_is_away_is_tried_again(daemon):
    serve(daemon, LOG, range(3), Fail(grpc.StatusCode.UNAVAILABLE, "away"))
    running, told = exporting(Sink(), patient=True, waits=0)
    follow(running, daemon)
    assert len(running.sink.records) == 3
    assert "away" in told[0]


def test_a_daemon_that_forbids_it_ends_it(daemon):
    serve(daemon, LOG, range(0), Fail(grpc.StatusCode.PERMISSION_DENIED, "no"))
    running, told = exporting(Sink(), patient=True)
    assert "no" in str(follow(running, daemon, Exception))
    assert not told


def test_an_entry_that_was_left_out_ends_it(daemon):
    serve(daemon, LOG, [0, 1, 3])
    running, _ = exporting(Sink(), patient=True)
    assert "#2 was left out" in str(follow(running, daemon, Failure))


def test_a_log_that_was_forked_while_the_daemon_was_away_is_refused(daemon):
    serve(daemon, LOG, range(6))
    daemon.script["GetEntry"] = [
        audit.GetEntryResponse(proof=EntryProof(entry=refusal(5).replace(b"residual", b"size"), index=5))
    ]
    running, _ = exporting(Sink(), patient=True)
    assert "forked" in str(follow(running, daemon, Failure))
    assert len(running.sink.records) == 6
