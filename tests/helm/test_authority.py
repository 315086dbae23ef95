"""What the chart's own authority makes and renews, and what it leaves alone."""

import contextlib
import itertools
import ssl
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

SCRIPT = Path(__file__).parents[2] / "helm/ringfence/files/authority"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def planned(authority, wanted, found, now):
    """What is written before it ends, and what it then says; nothing where all is well."""
    made, told = {}, ""
    try:
        for name, data in authority.plan(wanted, found, now):
            made |= {name: data}
    except authority.AuthorityError as error:
        told = str(error)
    return made, told


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
    demand_pairs(made["ringfence-daemon-keys"], made["ringfence-agent-keys"])


def demand_pairs(daemon, agent):
    assert (set(daemon), set(agent)) == ({"permit.key", "log.pub"}, {"log.key", "permit.pub"})
    for private, public in ((daemon["permit.key"], agent["permit.pub"]), (agent["log.key"], daemon["log.pub"])):
        assert load_pem_private_key(private, None).public_key() == load_pem_public_key(public)


@settings(max_examples=15, deadline=None)
@given(ends=st.lists(st.integers(0, 6), max_size=4))
def test_a_job_that_ends_between_any_two_writes_is_gone_on_with(authority, wanted_once, ends):
    """However often: the next job makes what is missing, and no key that is there is made anew."""
    found = {}
    for end in ends:
        before = found
        found = found | dict(itertools.islice(authority.plan(wanted_once, held(authority, found), NOW), end))
        assert all(data.items() <= found[name].items() for name, data in before.items())
    made = found | dict(authority.plan(wanted_once, held(authority, found), NOW))
    assert all(data.items() <= made[name].items() for name, data in found.items())
    assert set(made) == set(wanted_once.secrets())
    demand_pairs(made["dk"], made["ak"])
    assert dict(authority.plan(wanted_once, held(authority, made), NOW)) == {}


def test_the_daemon_gets_the_public_half_of_the_log_last(authority, wanted_once):
    """Its pod waits for that file: where it is missing, nothing was signed by permit.key."""
    written = [(name, set(data)) for name, data in authority.plan(wanted_once, {}, NOW)]
    assert written[-3:] == [
        ("dk", {"permit.key"}),
        ("ak", {"log.key", "permit.pub"}),
        ("dk", {"permit.key", "log.pub"}),
    ]


def test_keys_of_a_site_that_look_unfinished_are_left_alone(authority, wanted_once):
    made = dict(authority.plan(wanted_once, {}, NOW))
    found = held(authority, made)
    found["dk"] = authority.Held({"permit.key": made["dk"]["permit.key"]}, is_ours=False)
    assert planned(authority, wanted_once, found, NOW) == ({}, "")
    del found["ak"]
    written, told = planned(authority, wanted_once, found, NOW)
    assert written == {}
    assert told.startswith("Secret ak is missing and its counterpart dk is there")


@pytest.mark.parametrize(("name", "data"), [("dk", {"permit.key": b"none"}), ("ak", {"permit.pub": b""})])
def test_a_broken_key_is_told_and_not_replaced(authority, wanted_once, name, data):
    made = dict(authority.plan(wanted_once, {}, NOW))
    made |= {"dk": {"permit.key": made["dk"]["permit.key"]}, name: data}
    written, told = planned(authority, wanted_once, held(authority, made), NOW)
    assert written == {}
    assert told.startswith("dk (permit.key) or ak (log.key) holds no key; delete both")


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
def test_a_certificate_is_made_anew_before_it_ends_and_nothing_else_is(authority, wanted_once, hours):
    """The authority and the keys stay, whenever the job runs."""
    made = dict(authority.plan(wanted_once, {}, NOW))
    again = dict(authority.plan(wanted_once, held(authority, made), NOW + timedelta(hours=hours)))
    ends_soon = hours >= 720 - 240
    assert set(again) == ({leaf.secret for leaf in wanted_once.leaves} if ends_soon else set())


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


def test_what_a_site_made_keeps_nothing_else_from_being_made(authority, wanted_once):
    """The other certificates, the authority and the keys; and then it is told."""
    found = {"d": authority.Held({"tls.crt": b"the site's"}, is_ours=False)}
    made, told = planned(authority, wanted_once, found, NOW)
    assert set(made) == {"ca", "w", "dk", "ak"}
    assert told == "Secret d was not made by this chart; give another name, or delete it"


@pytest.mark.parametrize(("missing", "there"), [("ak", "dk"), ("dk", "ak")])
def test_half_of_the_keys_is_told_and_not_made_up(authority, wanted_once, missing, there):
    """It was whole once, so that others may know the public halves."""
    made = held(authority, dict(authority.plan(wanted_once, {}, NOW)))
    del made[missing]
    told = rf"Secret {missing} is missing and its counterpart {there} is there: restore {missing}.*delete {there} and"
    with pytest.raises(authority.AuthorityError, match=told):
        list(authority.plan(wanted_once, made, NOW))


def test_old_and_new_shake_hands_in_both_directions(authority, wanted, tmp_path):
    """With OpenSSL at its strictest, on the day on which the new authority begins to sign."""
    short, states, now = replace(wanted, authority_hours=200 * 24), [{}], datetime.now(UTC)
    for ago in (170, 32, 10, 0):
        made = authority.plan(short, held(authority, states[-1]), now - timedelta(days=ago))
        states.append(states[-1] | dict(made))
    old, new = states[-2:]
    assert authority.read("", new["ringfence-authority"]).gone is not None
    for server, client in ((old, new), (new, old), (new, new)):
        daemon = context(tmp_path, client["ringfence-daemon-tls"], ssl.PROTOCOL_TLS_CLIENT)
        agent = context(tmp_path, server["ringfence-agent-tls"], ssl.PROTOCOL_TLS_SERVER)
        assert ("URI", "spiffe://site.example/agent") in shaken(daemon, agent, "ringfence-agent")[0]


def test_an_authority_that_a_site_made_is_used_and_never_replaced(authority, wanted_once):
    made = held(authority, dict(authority.plan(wanted_once, {}, NOW)))
    made["ca"] = replace(made["ca"], is_ours=False)
    assert dict(authority.plan(wanted_once, made, NOW)) == {}
    with pytest.raises(authority.AuthorityError, match="must be followed by another and was not made by this chart"):
        list(authority.plan(wanted_once, made, NOW + timedelta(hours=87600 - 719)))


@pytest.mark.parametrize(("before_h", "renewed"), [(1487, {"d", "w"}), (100, {"d", "w"}), (1, {"d", "w"}), (0, set())])
def test_an_authority_that_a_site_made_signs_until_it_ends(authority, wanted_once, before_h, renewed):
    """Told in each run from the day on which it must be followed; what has ended signs nothing, and is no crash."""
    made = held(authority, dict(authority.plan(wanted_once, {}, NOW)))
    made["ca"] = replace(made["ca"], is_ours=False)
    made["d"] = authority.Held({"tls.crt": b"the site's"}, is_ours=False)
    end = NOW + timedelta(hours=87600)
    written, told = planned(authority, wanted_once, made, end - timedelta(hours=before_h))
    assert set(written) == renewed - {"d"}
    lines = told.splitlines()
    assert lines[0].startswith("the authority in Secret ca ends on 2036-11-28, must be followed by another")
    assert lines[1:] == ["Secret d was not made by this chart; give another name, or delete it"][: len(renewed)]
    for data in written.values():
        certificate = x509.load_pem_x509_certificate(data["tls.crt"])
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(made["ca"].data["tls.crt"]))
        assert certificate.not_valid_after_utc == min(end, end + timedelta(hours=720 - before_h))


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
