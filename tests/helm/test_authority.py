"""The chart's own authority, against an API that keeps Secrets as Kubernetes does."""

import base64
import contextlib
import importlib
import importlib.util
import itertools
import json
import ssl
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfenced.cli import devcerts

SCRIPT = Path(__file__).parents[2] / "helm/ringfence/files/authority"
MODULES = ("wanted", "certificates", "succession", "plan", "cluster")
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority():
    """The script's modules, as they find each other in the job; all that they define under one name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT)
        known = dict(sys.modules)
        found = {}
        for name in MODULES:
            found |= vars(importlib.import_module(name))
        spec = importlib.util.spec_from_file_location("authority_main", SCRIPT / "__main__.py")
        main = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(main)
        yield SimpleNamespace(**{name: one for name, one in (found | vars(main)).items() if not name.startswith("_")})
        for name in set(sys.modules) - set(known):
            if name in MODULES:
                del sys.modules[name]


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


def test_the_script_is_the_one_that_the_job_runs(render, opened, tmp_path):
    """As Python itself finds the modules, isolated and without the folder that it is started in."""
    opened["tls"] = {"source": "chart", "trustDomain": "a", "chart": {"apiServers": [{"cidr": "::1/128"}]}}
    objects = render(opened)
    data = objects["ConfigMap", "ringfence-authority"]["data"]
    assert {file.name: file.read_text() for file in SCRIPT.glob("*.py")}.items() <= data.items()
    for name, text in data.items():
        (tmp_path / name).write_text(text)
    (job,) = [one for (kind, _), one in objects.items() if kind == "Job"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    _, *arguments = [argument.replace("/etc/authority", str(tmp_path)) for argument in container["command"]]
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    # It comes as far as the API, whose authority is no file of this machine's.
    assert f'File "{tmp_path}/cluster.py"' in done.stderr
    assert "FileNotFoundError" in done.stderr


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
@given(hours=st.integers(0, 87600 - 720 - 720 - 49))
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
    labels = {"app.kubernetes.io/component": "authority"}
    return authority.Wanted("ca", 87600, None, 720, 720, 240, leaves, "dk", "ak", labels)


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
    renamed = replace(wanted_once, leaves=leaves)
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


SHORT = {"authority_hours": 200 * 24}
"""An authority of 200 days, of which certificates take 30 and an overlap as many."""


class Site:
    """Secrets through time: the job runs, and whoever has a certificate reads its Secret when it likes."""

    def __init__(self, authority, wanted):
        self.authority, self.wanted, self.secrets, self.written = authority, wanted, {}, []

    def run(self, now, **changes):
        """The job, at this moment; the Secrets after it."""
        found = {name: self.authority.Held(data, is_ours=True) for name, data in self.secrets.items()}
        made = dict(self.authority.plan(replace(self.wanted, **changes), found, now))
        self.written = list(made)
        self.secrets = self.secrets | made
        return self.secrets

    def held(self):
        return self.authority.read("ca", self.secrets["ca"])


def has_ended(held, now):
    return x509.load_pem_x509_certificate(held["tls.crt"]).not_valid_after_utc <= now


@pytest.fixture
def site(authority, wanted_once):
    return Site(authority, replace(wanted_once, **SHORT))


def days(number):
    return NOW + timedelta(days=number)


def believes(reader, other, now):
    """Whether who holds one Secret believes the certificate of another."""
    certificate = x509.load_pem_x509_certificate(other["tls.crt"])
    for trusted in x509.load_pem_x509_certificates(reader["ca.crt"]):
        with contextlib.suppress(ValueError, InvalidSignature):
            certificate.verify_directly_issued_by(trusted)
            return trusted.not_valid_after_utc > now
    return False


@settings(max_examples=10, deadline=None)
@given(gaps=st.lists(st.integers(1, 9), min_size=5, max_size=5), since=st.one_of(st.none(), st.integers(0, 300)))
def test_nobody_ever_meets_a_certificate_whose_authority_they_do_not_know(authority_once, wanted_once, gaps, since):
    """Through two successions, with jobs that come late, whoever read their Secret at most an overlap ago."""
    asked = None if since is None else days(since)
    site = Site(authority_once, replace(wanted_once, **SHORT, authority_since=asked))
    day, seen, signed = 0, [], set()
    for gap in itertools.cycle(gaps):
        secrets = site.run(days(day))
        signed.add(site.held().signing.certificate)
        # Each state with the last day on which somebody can have read it.
        seen = [(held, last) for held, last in seen if day - last < 30]
        seen += [(secrets, day)] if site.written or not seen else []
        day += gap
        seen[-1] = (secrets, day)
        for held, _ in seen:
            for one, other in (("d", "w"), ("w", "d")):
                assert believes(held[one], secrets[other], days(day))
                assert believes(secrets[other], held[one], days(day)) or has_ended(held[one], days(day))
        assert not any(has_ended(secrets[leaf], days(day)) for leaf in ("d", "w"))
        if day > 400:
            break
    assert len(signed) >= 3


def test_a_new_authority_is_known_before_it_signs_and_the_old_one_is_forgotten_after_it(authority, site):
    site.run(days(0))
    first = site.held().signing.certificate
    assert site.run(days(137))
    assert site.held().coming is None
    site.run(days(138))
    coming = site.held().coming.certificate
    assert site.written == ["ca", "d", "w"]
    assert first.subject != coming.subject
    site.run(days(167))
    assert site.held().signing.certificate == first
    site.run(days(168))
    assert (site.held().signing.certificate, site.held().coming) == (coming, None)
    assert (site.held().gone.certificate, site.held().gone.until) == (first, days(198))
    assert site.secrets["d"]["ca.crt"] == authority.pem(coming) + authority.pem(first)
    assert "next.key" not in site.secrets["ca"], "the old one's key is kept nowhere"
    site.run(days(197))
    assert site.held().gone is not None
    site.run(days(198))
    assert site.secrets["d"]["ca.crt"] == authority.pem(coming)


def test_a_certificate_stays_when_only_who_is_trusted_changes(site):
    before = site.run(days(130))
    site.run(days(145))
    announced = site.run(days(270))
    assert site.held().coming is not None
    again = site.run(days(271))
    assert again["d"] == announced["d"]
    assert before["d"]["tls.crt"] != again["d"]["tls.crt"]


def test_a_day_asks_for_a_new_authority_once(site):
    """From that day on, with the same overlap; the new one is young enough."""
    site.run(days(0))
    first = site.held().signing.certificate
    asked = {"authority_since": days(10)}
    site.run(days(9), **asked)
    assert site.held().coming is None
    site.run(days(10), **asked)
    assert site.held().coming is not None
    site.run(days(40), **asked)
    assert site.held().signing.certificate != first
    site.run(days(70), **asked)
    after = site.held()
    assert (after.coming, after.gone) == (None, None)
    site.run(days(71), **asked)
    assert site.written == []


def test_of_three_authorities_one_is_forgotten_before_the_third_is_made(site):
    """A site that asks twice in a month: what the first one signed holds on, and is believed, until it has ended."""
    site.run(days(0), overlap_hours=120)
    for day in (10, 15):
        site.run(days(day), overlap_hours=120, authority_since=days(10))
    assert site.held().gone.until == days(45)
    for day in (20, 30, 44):
        site.run(days(day), overlap_hours=120, authority_since=days(20))
        assert (site.held().coming, site.held().gone.until) == (None, days(45))
    site.run(days(45), overlap_hours=120, authority_since=days(20))
    assert (site.held().coming.made, site.held().gone) == (days(45), None)


def test_it_does_not_sign_before_everybody_was_told(site):
    """A job that could not write all of them last time tells first."""
    site.run(days(0))
    site.run(days(138))
    site.secrets["w"] = site.secrets["w"] | {"ca.crt": site.secrets["ca"]["tls.crt"]}
    site.run(days(170))
    assert site.held().coming is not None
    site.run(days(171))
    assert site.held().coming is None


def test_an_authority_that_is_taken_away_is_made_anew_with_all_of_its_certificates(site):
    """What a site does whose authority's key somebody else may have; the keys of permits and log stay."""
    before = dict(site.run(days(0)))
    del site.secrets["ca"]
    after = site.run(days(1))
    assert site.written == ["ca", "d", "w"]
    assert after["d"]["ca.crt"] == after["ca"]["tls.crt"] != before["ca"]["tls.crt"]
    assert believes(after["d"], after["w"], days(1))
    assert not believes(before["d"], after["w"], days(1))


def test_an_authority_that_has_ended_is_followed_at_once(site):
    """A cluster that was off for a year: nothing of the old one's is believed, so nothing waits."""
    site.run(days(0))
    site.run(days(365))
    held = site.held()
    assert (held.signing.made, held.coming, held.gone) == (days(365), None, None)
    assert believes(site.secrets["d"], site.secrets["w"], days(366))


def test_old_and_new_shake_hands_in_both_directions(authority, wanted, tmp_path):
    """With OpenSSL at its strictest, on the day on which the new authority begins to sign."""
    site = Site(authority, replace(wanted, **SHORT))
    now = datetime.now(UTC)
    for ago in (170, 32, 10):
        old = site.run(now - timedelta(days=ago))
    new = site.run(now)
    assert authority.read("", new["ringfence-authority"]).gone is not None
    for server, client in ((old, new), (new, old), (new, new)):
        daemon = context(tmp_path, client["ringfence-daemon-tls"], ssl.PROTOCOL_TLS_CLIENT)
        agent = context(tmp_path, server["ringfence-agent-tls"], ssl.PROTOCOL_TLS_SERVER)
        assert ("URI", "spiffe://site.example/agent") in shaken(daemon, agent, "ringfence-agent")[0]


def test_an_authority_that_a_site_made_is_used_and_never_replaced(authority, wanted_once):
    made = held(authority, dict(authority.plan(wanted_once, {}, NOW)))
    made["ca"] = replace(made["ca"], is_ours=False)
    assert dict(authority.plan(wanted_once, made, NOW)) == {}
    with pytest.raises(authority.AuthorityError, match="Secret ca must be followed by another and was not made by"):
        list(authority.plan(wanted_once, made, NOW + timedelta(hours=87600 - 719)))


@pytest.mark.parametrize("spoil", [{"tls.key": b""}, {"next.crt": b""}, {"previous.crt": b""}])
def test_a_broken_authority_is_told_and_not_replaced(authority, wanted_once, spoil):
    made = dict(authority.plan(wanted_once, {}, NOW))
    with pytest.raises(authority.AuthorityError, match="ca holds no authority of this chart's"):
        list(authority.plan(wanted_once, held(authority, made | {"ca": made["ca"] | spoil}), NOW))


def test_the_key_of_another_is_no_authority(authority, wanted_once):
    made, other = (dict(authority.plan(wanted_once, {}, NOW)) for _ in range(2))
    made["ca"] = made["ca"] | {"tls.key": other["ca"]["tls.key"]}
    with pytest.raises(authority.AuthorityError, match="holds no authority"):
        list(authority.plan(wanted_once, held(authority, made), NOW))


def test_a_day_that_no_calendar_has_is_told(authority, document):
    with pytest.raises(authority.AuthorityError, match="2027-02-30, which is no day"):
        authority.Wanted.of(document | {"authority_since": "2027-02-30"})
    assert authority.Wanted.of(document | {"authority_since": "2027-02-28"}).authority_since.day == 28


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


def test_its_log_says_when_the_authority_ends_and_how_far_its_succession_is(run, capsys):
    assert run() == 0
    assert "the authority ends on 2036-11-28; the next one is made on 2036-09-27\n" in capsys.readouterr().out
    assert run(datetime(2036, 9, 27, 13, tzinfo=UTC)) == 0
    assert "the next one, trusted since 2036-09-27, is about to sign" in capsys.readouterr().out
    assert run(datetime(2036, 10, 28, tzinfo=UTC)) == 0
    told = capsys.readouterr().out
    assert "ends on 2046-09-25; the next one is made on" in told
    assert "the one before it is trusted until 2036-11-27" in told
