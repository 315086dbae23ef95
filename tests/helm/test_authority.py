"""The chart's own authority, against an API that keeps Secrets as Kubernetes does."""

import base64
import contextlib
import importlib.util
import json
import ssl
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfenced.cli import devcerts

SCRIPT = Path(__file__).parents[2] / "helm/ringfence/files/authority.py"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("authority", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "authority", module)  # dataclasses look for it there
        spec.loader.exec_module(module)
        yield module


@pytest.fixture
def document(render, opened):
    """What the chart asks for."""
    opened["tls"] = {
        "source": "chart",
        "trustDomain": "site.example",
        "callers": [{"secret": "ward-tls", "identity": "spiffe://site.example/caller/ward"}],
        "chart": {"apiServers": [{"cidr": "127.0.0.1/32"}]},
    }
    return json.loads(render(opened)["ConfigMap", "ringfence-authority"]["data"]["wanted.json"])


@pytest.fixture
def wanted(authority, document):
    return authority.Wanted.of(document)


def held(authority, written):
    return {name: authority.Held(data, is_ours=True) for name, data in written.items()}


def test_the_script_is_the_one_that_the_job_runs(render, opened, document):
    opened["tls"] = {"source": "chart", "trustDomain": "a", "chart": {"apiServers": [{"cidr": "::1/128"}]}}
    assert (
        render(opened)["ConfigMap", "ringfence-authority"]["data"]["authority.py"].strip() == SCRIPT.read_text().strip()
    )


def test_all_that_is_missing_is_made(authority, wanted):
    made = dict(authority.plan(wanted, {}, NOW))
    assert next(iter(made)) == "ringfence-authority"
    assert set(made) == set(wanted.secrets())
    root = x509.load_pem_x509_certificate(made["ringfence-authority"]["tls.crt"])
    for leaf in wanted.leaves:
        certificate = x509.load_pem_x509_certificate(made[leaf.secret]["tls.crt"])
        certificate.verify_directly_issued_by(root)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [leaf.uri]
        assert tuple(names.get_values_for_type(x509.DNSName)) == leaf.names
        assert certificate.not_valid_after_utc == NOW + timedelta(hours=720)
        assert made[leaf.secret]["ca.crt"] == made["ringfence-authority"]["tls.crt"]


def test_daemon_and_agent_get_halves_that_belong_together(authority, wanted):
    made = dict(authority.plan(wanted, {}, NOW))
    daemon, agent = made["ringfence-daemon-keys"], made["ringfence-agent-keys"]
    assert (set(daemon), set(agent)) == ({"permit.key", "log.pub"}, {"log.key", "permit.pub"})
    for private, public in ((daemon["permit.key"], agent["permit.pub"]), (agent["log.key"], daemon["log.pub"])):
        assert load_pem_private_key(private, None).public_key() == load_pem_public_key(public)


def context(folder, data, side):
    """One end, as strict as OpenSSL can be (RFC 5280: every extension that must be there is)."""
    for name, content in data.items():
        (folder / name).write_bytes(content)
    made = ssl.SSLContext(side)
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_verify_locations(folder / "ca.crt")
    made.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return made


def shaken(client, server, name):
    """Both ends after a handshake in memory: what each knows of the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in ends * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return [end.getpeercert()["subjectAltName"] for end in ends]


def test_daemon_and_agent_know_each_other_by_what_was_made(authority, wanted, tmp_path):
    now = datetime.now(UTC)
    made = dict(authority.plan(wanted, {}, now))
    daemon = context(tmp_path, made["ringfence-daemon-tls"], ssl.PROTOCOL_TLS_CLIENT)
    agent = context(tmp_path, made["ringfence-agent-tls"], ssl.PROTOCOL_TLS_SERVER)
    seen_by_daemon, seen_by_agent = shaken(daemon, agent, "ringfence-agent")
    assert ("URI", "spiffe://site.example/agent") in seen_by_daemon
    assert ("URI", "spiffe://site.example/daemon") in seen_by_agent
    caller = context(tmp_path, made["ward-tls"], ssl.PROTOCOL_TLS_CLIENT)
    serving = context(tmp_path, made["ringfence-daemon-tls"], ssl.PROTOCOL_TLS_SERVER)
    assert shaken(caller, serving, "ringfence-daemon.ai.svc")[1] == (("URI", "spiffe://site.example/caller/ward"),)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shaken(caller, serving, "elsewhere")


@settings(max_examples=30, deadline=None)
@given(hours=st.integers(0, 87600 - 720))
def test_a_certificate_is_made_anew_before_it_ends_and_nothing_else_is(authority_once, wanted_once, hours):
    """The authority and the keys stay, whenever the job runs."""
    made = dict(authority_once.plan(wanted_once, {}, NOW))
    again = dict(authority_once.plan(wanted_once, held(authority_once, made), NOW + timedelta(hours=hours)))
    ends_soon = hours >= 720 - 240
    assert set(again) == ({leaf.secret for leaf in wanted_once.leaves} if ends_soon else set())


@pytest.fixture(scope="module")
def authority_once(authority):
    return authority


@pytest.fixture(scope="module")
def wanted_once(authority):
    leaves = (authority.Leaf("d", "spiffe://a/daemon", ("d",)), authority.Leaf("w", "spiffe://a/ward", ()))
    return authority.Wanted("ca", 87600, 720, 240, leaves, "dk", "ak", {"app.kubernetes.io/component": "authority"})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data | {"tls.crt": b"no certificate"},
        lambda data: data | {"ca.crt": b""},
        lambda data: {key: value for key, value in data.items() if key != "tls.key"},
        lambda _: {},
    ],
)
def test_a_certificate_of_ours_that_is_broken_is_made_anew(authority, wanted_once, spoil):
    made = dict(authority.plan(wanted_once, {}, NOW))
    assert set(dict(authority.plan(wanted_once, held(authority, made | {"d": spoil(made["d"])}), NOW))) == {"d"}


def test_other_names_are_another_certificate(authority, wanted_once):
    made = dict(authority.plan(wanted_once, {}, NOW))
    leaves = (authority.Leaf("d", "spiffe://a/daemon", ("d", "d.site")), wanted_once.leaves[1])
    renamed = authority.Wanted("ca", 87600, 720, 240, leaves, "dk", "ak", {})
    assert set(dict(authority.plan(renamed, held(authority, made), NOW))) == {"d"}


def test_what_a_site_made_is_never_replaced(authority, wanted_once):
    made = held(authority, dict(authority.plan(wanted_once, {}, NOW)))
    made["d"] = authority.Held({"tls.crt": b"the site's"}, is_ours=False)
    with pytest.raises(authority.AuthorityError, match="Secret d was not made by this chart"):
        list(authority.plan(wanted_once, made, NOW))


def test_half_of_the_keys_is_told_and_not_made_up(authority, wanted_once):
    made = held(authority, dict(authority.plan(wanted_once, {}, NOW)))
    del made["ak"]
    with pytest.raises(authority.AuthorityError, match="ak is missing and its counterpart is there"):
        list(authority.plan(wanted_once, made, NOW))


def test_an_authority_that_ends_is_told_in_time(authority, wanted_once):
    made = held(authority, dict(authority.plan(wanted_once, {}, NOW)))
    with pytest.raises(authority.AuthorityError, match="make a new one by deleting that Secret"):
        list(authority.plan(wanted_once, made, NOW + timedelta(hours=87600 - 719)))


class Api(ThreadingHTTPServer):
    """Secrets of one namespace, as the cluster's API keeps them."""

    def __init__(self, certificates):
        super().__init__(("127.0.0.1", 0), Answers)
        self.secrets = {}
        self.asked = Counter()
        self.meddle = lambda _name: None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates / "daemon.pem", certificates / "daemon.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)


class Answers(BaseHTTPRequestHandler):
    BASE = "/api/v1/namespaces/ai/secrets"

    def log_message(self, *_):
        pass

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

    def main(now=NOW):
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
    assert (api.asked["POST"], api.asked["PUT"]) == (6, 0)
    assert run(NOW + timedelta(days=25)) == 0
    assert (api.asked["POST"], api.asked["PUT"]) == (6, 3)
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
