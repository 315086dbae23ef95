"""The authority's job, against an API that keeps Secrets as Kubernetes does."""

import base64
import json
import ssl
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ringfenced.cli import devcerts

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


class Api(ThreadingHTTPServer):
    """Secrets of one namespace, as the cluster's API keeps them."""

    def __init__(self, certificates):
        super().__init__(("127.0.0.1", 0), Answers)
        self.secrets = {}
        self.asked = Counter()
        self.meddle = lambda _name: None
        self.now = NOW
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates / "daemon.pem", certificates / "daemon.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)


class Answers(BaseHTTPRequestHandler):
    BASE = "/api/v1/namespaces/ai/secrets"

    def log_message(self, *_):
        pass

    def date_time_string(self, _timestamp=None):
        return format_datetime(self.server.now, usegmt=True)

    def do_GET(self):
        name = self.path.removeprefix(f"{self.BASE}/")
        self.server.asked["GET"] += 1
        if self.headers["Authorization"] != "Bearer the-token":
            self.answer(401, {})
        elif name in self.server.secrets:
            self.answer(200, self.server.secrets[name])
        else:
            self.answer(404, {})

    def do_POST(self):
        self.write(is_new=True)

    def do_PUT(self):
        self.write(is_new=False)

    def write(self, *, is_new):
        self.server.asked[self.command] += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = body["metadata"]["name"]
        self.server.meddle(name)
        there = self.server.secrets.get(name)
        if (there is not None) == is_new or (
            there is not None and body["metadata"]["resourceVersion"] != there["metadata"]["resourceVersion"]
        ):
            self.answer(409, {})
            return
        version = str(int(there["metadata"]["resourceVersion"]) + 1 if there else 1)
        body["metadata"]["resourceVersion"] = version
        self.server.secrets[name] = body
        self.answer(201 if is_new else 200, body)

    def answer(self, status, document):
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def certificates(tmp_path):
    for file in devcerts.make(datetime.now(UTC), timedelta(days=1)):
        (tmp_path / file.name).write_bytes(file.content)
    return tmp_path


@pytest.fixture
def api(certificates):
    server = Api(certificates)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    yield server
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture
def account(certificates, tmp_path):
    (certificates / "ca.crt").write_bytes((certificates / "ca.pem").read_bytes())
    (tmp_path / "token").write_text("the-token\n")
    (tmp_path / "namespace").write_text("ai")
    return tmp_path


@pytest.fixture
def run(authority, api, account, document):
    """The script's main, in a pod of that cluster; its exit status."""
    (account / "wanted.json").write_text(json.dumps(document))

    def main(now=NOW, api_now=None):
        api.now = api_now or now
        environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.server_port)}
        return authority.main([str(account / "wanted.json")], environment, now, account)

    return main


def test_it_makes_secrets_once_and_renews_certificates(run, api, document):
    """Twice on one day, and once when certificates end: what a first installation and a daily job do."""
    assert run() == 0
    first = dict(api.secrets)
    assert len(first) == 6
    assert {one["type"] for one in first.values()} == {"kubernetes.io/tls", "Opaque"}
    assert base64.b64decode(first["ward-tls"]["data"]["ca.crt"]).startswith(b"-----BEGIN CERTIFICATE-----")
    assert run() == 0
    assert (api.asked["POST"], api.asked["PUT"]) == (6, 1)
    assert run(NOW + timedelta(days=25)) == 0
    assert (api.asked["POST"], api.asked["PUT"]) == (6, 4)
    renewed = {name for name in first if api.secrets[name] != first[name]}
    assert renewed == {leaf["secret"] for leaf in document["leaves"]}


def test_of_two_jobs_at_once_one_writes_and_the_other_begins_anew(run, api, capsys):
    def meddle(name):
        if name == "ringfence-agent-tls":
            api.secrets.setdefault(name, {"metadata": {"name": name, "resourceVersion": "7"}, "data": {}})

    api.meddle = meddle
    assert run() == 1
    assert "somebody else has written ringfence-agent-tls meanwhile" in capsys.readouterr().err


def test_an_api_that_refuses_or_is_not_there_is_told_with_what_to_do(run, account, capsys, authority):
    (account / "token").write_text("another")
    assert run() == 1
    assert "answers 401: the job may not read Secret ringfence-authority" in capsys.readouterr().err
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
    assert authority.main([str(account / "wanted.json")], environment, NOW, account) == 1
    told = capsys.readouterr().err
    assert "tls.chart.apiServers must name its addresses" in told


def test_no_key_is_printed(run, capsys):
    assert run() == 0
    printed = capsys.readouterr()
    assert "PRIVATE" not in printed.out + printed.err


def test_its_log_says_when_the_authority_ends_and_how_far_its_succession_is(run, capsys):
    assert run() == 0
    assert "the authority ends on 2036-11-28; the next one is made on 2036-09-27\n" in capsys.readouterr().out
    assert run(datetime(2036, 9, 27, 13, tzinfo=UTC)) == 0
    assert "the next one, trusted since 2036-09-27, is about to sign" in capsys.readouterr().out
    assert run(datetime(2036, 10, 28, tzinfo=UTC)) == 0
    told = capsys.readouterr().out
    assert "ends on 2046-09-25; the next one is made on" in told
    assert "the one before it is trusted until 2036-11-27" in told


@pytest.mark.parametrize("jump", [timedelta(days=25), timedelta(days=4000), timedelta(minutes=-6)])
def test_a_clock_that_the_api_does_not_share_writes_nothing(run, api, capsys, jump):
    """Neither what has not ended yet, nor what would begin only later; with the right time all is as before."""
    assert run(NOW + jump, api_now=NOW) == 1
    assert (api.secrets, api.asked["POST"]) == ({}, 0)
    assert run() == 0
    before = dict(api.secrets)
    assert run(NOW + jump, api_now=NOW) == 1
    assert api.secrets == before
    assert f"this node's clock says {NOW + jump:%Y-%m-%d %H:%M} and the cluster's API 2026-12-01 12:00" in (
        capsys.readouterr().err
    )
    assert run(NOW + timedelta(minutes=5), api_now=NOW) == 0
    assert api.secrets == before


def test_what_others_wrote_on_a_secret_stays(run, api):
    """Its owner, what holds back its deletion, and others' labels and annotations; of ours each is written anew."""
    assert run() == 0
    others = {
        "uid": "1",
        "annotations": {"backup.example/keep": "yes"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "site", "uid": "2"}],
        "finalizers": ["backup.example/hold"],
    }
    there = api.secrets["ward-tls"]
    labels = there["metadata"]["labels"]
    there["metadata"] |= others | {"labels": labels | {"team": "ward", "app.kubernetes.io/version": "older"}}
    before = json.loads(json.dumps(there))
    assert run(NOW + timedelta(days=25)) == 0
    after = api.secrets["ward-tls"]
    assert after["data"] != before["data"]
    assert after["metadata"].pop("resourceVersion") != before["metadata"].pop("resourceVersion")
    assert after["metadata"] == before["metadata"] | {"labels": labels | {"team": "ward"}}
    assert after["type"] == before["type"] == "kubernetes.io/tls"
