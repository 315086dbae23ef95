"""Development certificates: what verifies, who they name, and what they must not be good for."""

import contextlib
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509 import verification

from fakes.certs import fresh
from ringfence.cosignature import read_vkey
from ringfenced.cli import devcerts

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SERVERS = ("daemon", "agent", "provider")
CLIENTS = ("daemon", "caller-ward", "caller-billing", "operator", "auditor")
IDENTITIES = {
    "daemon": "spiffe://ringfence.local/daemon",
    "agent": "spiffe://ringfence.local/agent",
    "caller-ward": "spiffe://ringfence.local/caller/ward",
    "caller-billing": "spiffe://ringfence.local/caller/billing",
    "operator": "spiffe://ringfence.local/operator/dev",
    "auditor": "spiffe://ringfence.local/auditor/dev",
}


@pytest.fixture(scope="module")
def files():
    return {file.name: file for file in devcerts.make(NOW, timedelta(days=7))}


def certificate(files, name):
    return x509.load_pem_x509_certificate(files[f"{name}.pem"].content)


def policy(files, authority, at=NOW):
    store = verification.Store([certificate(files, authority)])
    return verification.PolicyBuilder().store(store).time(at)


@pytest.mark.parametrize("name", SERVERS)
def test_servers_verify_as_localhost_under_their_own_authority(files, name):
    authority = "provider-ca" if name == "provider" else "ca"
    verifier = policy(files, authority).build_server_verifier(x509.DNSName("localhost"))
    assert len(verifier.verify(certificate(files, name), [])) == 2


@pytest.mark.parametrize("name", CLIENTS)
def test_clients_verify_under_the_sites_authority(files, name):
    verified = policy(files, "ca").build_client_verifier().verify(certificate(files, name), [])
    assert [subject.value for subject in verified.subjects if isinstance(subject, x509.UniformResourceIdentifier)] == [
        IDENTITIES[name]
    ]


@pytest.mark.parametrize(("name", "identity"), IDENTITIES.items())
def test_each_identity_is_one_uri_in_spiffe_form(files, name, identity):
    names = certificate(files, name).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [identity]


@pytest.mark.parametrize("name", ["caller-ward", "caller-billing", "operator", "auditor"])
def test_a_callers_certificate_cannot_serve(files, name):
    verifier = policy(files, "ca").build_server_verifier(x509.DNSName("localhost"))
    with pytest.raises(verification.VerificationError):
        verifier.verify(certificate(files, name), [])


def test_the_agent_and_the_provider_cannot_call(files):
    for name, authority in (("agent", "ca"), ("provider", "provider-ca")):
        with pytest.raises(verification.VerificationError):
            policy(files, authority).build_client_verifier().verify(certificate(files, name), [])


def test_the_provider_is_nobody_to_the_sites_authority(files):
    verifier = policy(files, "ca").build_server_verifier(x509.DNSName("localhost"))
    with pytest.raises(verification.VerificationError):
        verifier.verify(certificate(files, "provider"), [])


def test_certificates_end_when_they_say(files):
    verifier = policy(files, "ca", NOW + timedelta(days=7, seconds=1)).build_client_verifier()
    with pytest.raises(verification.VerificationError):
        verifier.verify(certificate(files, "caller-ward"), [])


def test_no_leaf_can_sign_a_certificate(files):
    for subject in devcerts.SUBJECTS:
        extensions = certificate(files, subject.name).extensions
        assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_the_authorities_keys_are_not_kept(files):
    assert "ca.key" not in files
    assert "provider-ca.key" not in files
    signers = ("permit", "log", "log-mldsa", "witness", "witness-mldsa")
    assert len([name for name in files if name.endswith(".key")]) == len(devcerts.SUBJECTS) + len(signers)
    assert all(f"{name}.pub" in files for name in signers)


def test_the_witness_has_a_verifier_key_of_each_kind(files):
    vkeys = [read_vkey(line) for line in files["witness.vkeys"].content.decode().splitlines()]
    assert [one.name for one in vkeys] == [devcerts.WITNESS] * 2
    publics = [load_pem_public_key(files[f"{name}.pub"].content) for name in ("witness", "witness-mldsa")]
    assert [one.key for one in vkeys] == publics


def test_every_key_fits_its_public_half_and_is_private(files):
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for name, file in files.items():
        assert file.private == name.endswith(".key")
        if not file.private:
            continue
        stem = name.removesuffix(".key")
        public = load_pem_private_key(file.content, None).public_key().public_bytes(*form)
        if f"{stem}.pub" in files:
            assert load_pem_public_key(files[f"{stem}.pub"].content).public_bytes(*form) == public
        else:
            assert certificate(files, stem).public_key().public_bytes(*form) == public


def test_a_files_repr_does_not_show_its_content(files):
    assert "PRIVATE" not in repr(files["daemon.key"])


def test_two_calls_share_no_key(files):
    again = {file.name: file for file in devcerts.make(NOW, timedelta(days=7))}
    assert all(again[name].content != files[name].content for name in files)


def context(tmp_path, files, name, protocol, authority="ca"):
    """An ssl context of one side, TLS 1.3 only, that demands a certificate of the other."""
    for suffix in ("pem", "key"):
        (tmp_path / f"{name}.{suffix}").write_bytes(files[f"{name}.{suffix}"].content)
    made = ssl.SSLContext(protocol)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=files[f"{authority}.pem"].content.decode())
    made.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
    return made


def shake_hands(client, server):
    """A whole TLS handshake in memory; returns what the server learns of the client."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    called = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (caller, called):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return called.getpeercert()


def test_a_real_handshake_names_both_sides(tmp_path):
    files = {file.name: file for file in fresh()}
    client = context(tmp_path, files, "caller-ward", ssl.PROTOCOL_TLS_CLIENT)
    server = context(tmp_path, files, "daemon", ssl.PROTOCOL_TLS_SERVER)
    assert ("URI", IDENTITIES["caller-ward"]) in shake_hands(client, server)["subjectAltName"]


def test_a_real_handshake_fails_across_authorities(tmp_path):
    files = {file.name: file for file in fresh()}
    client = context(tmp_path, files, "caller-ward", ssl.PROTOCOL_TLS_CLIENT)
    server = context(tmp_path, files, "provider", ssl.PROTOCOL_TLS_SERVER, authority="ca")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, server)
