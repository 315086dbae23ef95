"""A program, a syslog server, a webhook and an order to stop egress, each for real."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc
import pytest

from fakes.daemon import Fail
from fakes.syslog import SyslogServer
from ringfence.configfile import ConfigError
from ringfence.v1 import admin_pb2 as admin
from ringfenced.cli.auditing.actions import CommandAction, SyslogAction
from ringfenced.cli.auditing.alert import Alert
from ringfenced.cli.auditing.dispatch import ActionError
from ringfenced.cli.auditing.facts import Facts
from ringfenced.cli.auditing.netsinks import StreamSink
from ringfenced.cli.auditing.rules import Command, Rules, Webhook
from ringfenced.cli.auditing.ways import STOP, ways
from ringfenced.cli.auditing.webhook import WebhookAction, read_secret
from ringfenced.cli.exits import Failure
from ringfenced.cli.settings import Connection

ALERT = Alert("rule", "high", "something happened", 1_793_714_400_123, {"caller": "p-1"}, 7)
FACTS = Facts("1.2.3", "node1", "site.example/egress")
SECRET = b"0123456789abcdef0123456789abcdef"


# ── a program ────────────────────────────────────────────────────────────────────────────────────────────────────────


def command(code, seconds_max=20.0):
    return CommandAction(Command(name="c", argv=(sys.executable, "-c", code), seconds_max=seconds_max))


def test_a_program_gets_the_alert_on_its_standard_input_and_nothing_of_our_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    out = tmp_path / "out"
    command(f"import os, sys; open({str(out)!r}, 'w').write(sys.stdin.read() + str('API_KEY' in os.environ))").run(
        ALERT
    )
    line, environment = out.read_text().splitlines()
    assert json.loads(line) == json.loads(ALERT.json())
    assert environment == "False"


def test_arguments_are_passed_as_they_are_without_a_shell(tmp_path):
    out = tmp_path / "out"
    code = f"import sys; open({str(out)!r}, 'w').write(repr(sys.argv[1:]))"
    CommandAction(Command(name="c", argv=(sys.executable, "-c", code, "$HOME; rm *", "a b"))).run(ALERT)
    assert out.read_text() == "['$HOME; rm *', 'a b']"


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (command("raise SystemExit(3)"), "ended with 3"),
        (CommandAction(Command(name="c", argv=("/nonexistent",))), "cannot run /nonexistent"),
    ],
)
def test_a_program_that_fails_is_told(action, said):
    with pytest.raises(ActionError, match=said):
        action.run(ALERT)


def test_a_program_that_takes_too_long_is_killed_with_what_it_started(tmp_path):
    """The child holds the pipe's other end: it closes when the last of them is gone."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    held = f"import subprocess; f = open({str(fifo)!r}, 'wb'); subprocess.run(['sleep', '60'], pass_fds=[f.fileno()])"
    found = []
    thread = threading.Thread(target=lambda: found.append(fifo.read_bytes()))
    thread.start()
    with pytest.raises(ActionError, match="longer than 1 s"):
        command(held, seconds_max=1).run(ALERT)
    thread.join(20)
    assert not thread.is_alive()


# ── syslog ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_syslog_server_gets_the_alert_and_a_dead_one_is_told(certs):
    with SyslogServer(certs) as server:
        action = SyslogAction(StreamSink(server.target(), server.trust().context()), FACTS)
        action.run(ALERT)
        server.await_messages(1)
        assert b'rule="rule"' in server.messages[0]
    with pytest.raises(ActionError, match="localhost"):
        [action.run(ALERT) for _ in range(3)]


# ── a webhook ────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def receiver(certs, status=200, delay_s=0.0):
    """A real HTTPS server that keeps what is posted to it."""
    posts = []
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.append((self.path, dict(self.headers), body))
            release.wait(delay_s)
            self.send_response(status)
            self.send_header("Location", "https://elsewhere.example/")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(HTTPServer):
        def handle_error(self, *_):
            """A client that hangs up is what the test is about."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "daemon.pem", certs / "daemon.key")
    with Server(("localhost", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"https://localhost:{server.server_address[1]}/hook?x=1", posts
        finally:
            release.set()
            server.shutdown()
            thread.join(10)


def hook(url, certs, **changes):
    return WebhookAction(Webhook(name="w", url=url, ca=certs / "ca.pem", **changes), lambda: 1_793_714_400)


def secret_file(tmp_path, text=None, mode=0o400):
    path = tmp_path / "secret"
    path.write_text(("whsec_" + base64.b64encode(SECRET).decode() if text is None else text) + "\n")
    path.chmod(mode)
    return path


def test_a_webhook_is_posted_and_signed(certs, tmp_path):
    """As a receiver verifies it: HMAC over id, timestamp and body (Standard Webhooks)."""
    with receiver(certs) as (url, posts):
        hook(url, certs, secret_file=secret_file(tmp_path)).run(ALERT)
    ((path, headers, body),) = posts
    assert (path, json.loads(body)) == ("/hook?x=1", json.loads(ALERT.json()))
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (ALERT.id, "1793714400")
    expected = hmac.new(SECRET, f"{ALERT.id}.1793714400.".encode() + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert headers["Content-Type"] == "application/json"


def test_a_webhook_without_a_secret_bears_no_signature(certs):
    with receiver(certs, status=204) as (url, posts):
        hook(url, certs).run(ALERT)
    assert "webhook-signature" not in posts[0][1]


@pytest.mark.parametrize("status", [301, 307, 400, 500])
def test_anything_but_2xx_is_told_and_no_redirect_is_followed(certs, status):
    with receiver(certs, status=status) as (url, posts), pytest.raises(ActionError, match=str(status)):
        hook(url, certs).run(ALERT)
    assert len(posts) == 1


def test_a_server_that_we_do_not_trust_gets_nothing(certs):
    with receiver(certs) as (url, posts):
        action = WebhookAction(Webhook(name="w", url=url, ca=certs / "provider-ca.pem"), lambda: 0)
        with pytest.raises(ActionError, match="not trusted"):
            action.run(ALERT)
    assert not posts


def test_a_server_that_is_slow_or_away_is_told(certs):
    with receiver(certs, delay_s=20) as (url, _):
        start = time.monotonic()
        with pytest.raises(ActionError, match="too long"):
            hook(url, certs, seconds_max=0.2).run(ALERT)
        assert time.monotonic() - start < 10
    with pytest.raises(ActionError, match="no answer"):
        hook(url, certs).run(ALERT)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [(None, 0o644, "others can read"), ("whsec_no base64!", 0o400, "no secret"), ("whsec_AAAA", 0o600, "shorter")],
)
def test_a_secret_that_cannot_be_used(tmp_path, text, mode, said):
    with pytest.raises(ConfigError, match=said) as caught:
        read_secret(secret_file(tmp_path, text, mode))
    assert base64.b64encode(SECRET).decode() not in str(caught.value)


def test_files_that_are_not_there_are_told(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        read_secret(tmp_path / "none")
    with pytest.raises(ConfigError, match="no certificates"):
        WebhookAction(Webhook(name="w", url="https://a", ca=tmp_path / "none"), lambda: 0)


# ── an order to stop egress ──────────────────────────────────────────────────────────────────────────────────────────


def stop(daemon, told):
    files = {"ca": daemon.certs / "ca.pem", "cert": daemon.certs / "operator.pem", "key": daemon.certs / "operator.key"}
    rules = Rules.model_validate({"seen": [{"name": "a", "kinds": ["key"], "lockdown": True}], "lockdown": files})
    return ways(rules, FACTS, Connection(daemon.target, daemon.identity("auditor"), ""), told.append)[STOP]


def test_egress_is_stopped_with_the_operators_certificate(daemon):
    daemon.script["SetLockdown"] = [admin.SetLockdownResponse(state=admin.LockdownState(on=True))]
    told = []
    stop(daemon, told).run(ALERT)
    ((method, request),) = daemon.requests
    assert (method, request.on, request.reason) == ("SetLockdown", True, "ringfence audit watch: something happened")
    assert daemon.identities == ["spiffe://ringfence.local/operator/dev"]
    assert told == ["egress is stopped: something happened"]


def test_an_order_that_waits_for_another_operator_is_told(daemon):
    waiting = admin.LockdownState(on=False, confirmations_missing=1)
    daemon.script["SetLockdown"] = [admin.SetLockdownResponse(state=waiting)]
    told = []
    stop(daemon, told).run(ALERT)
    assert "waits for 1 more" in told[0]


def test_an_order_that_is_not_taken_is_tried_again(daemon):
    daemon.script["SetLockdown"] = [Fail(grpc.StatusCode.UNAVAILABLE, "the agent is away")]
    with pytest.raises(ActionError, match="away"):
        stop(daemon, []).run(ALERT)


def test_files_of_a_syslog_table_that_cannot_be_used_are_wrong_usage(daemon, tmp_path):
    table = {"name": "s", "to": "tcp+tls://a", "ca": tmp_path / "none"}
    rules = Rules.model_validate({"seen": [{"name": "a", "kinds": ["key"]}], "syslog": [table]})
    with pytest.raises(Failure, match="cannot be used"):
        ways(rules, FACTS, Connection(daemon.target, daemon.identity("auditor"), ""), print)
