"""Development certificates: short-lived identities for every process of one machine, made in memory.

`make` is what `ringfence dev-certs` writes down. Two certificate authorities are made and both forget their private
keys at once, so that nobody can issue more: one for daemon, agent, callers, operator and auditor, one for the stand-in
provider, because a provider's certificate must never pass for one of the site.

Sources: X.509-SVID (SPIFFE) for the shape of the identities: one URI subject alternative name, no CA bit,
digitalSignature; RFC 5280, 4.2.1, for the extensions; RFC 5208 and RFC 5480 for the key files.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ringfence.cosignature import Cosigner, PrivateKey

TRUST_DOMAIN: Final = "ringfence.local"
"""Every identity is ``spiffe://ringfence.local/...``; a site that goes live takes its own."""

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How long before `now` a certificate begins to hold, for machines whose clocks run behind."""

_SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH
_CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True)
class Subject:
    """Who gets a certificate."""

    name: str
    """Base name of its files: ``daemon`` makes ``daemon.pem`` and ``daemon.key``."""
    path: str
    """Path of its SPIFFE identity; empty for none."""
    usages: tuple[x509.ObjectIdentifier, ...]
    """Extended key usages: server, client or both."""
    authority: str
    """The authority that signs it."""


SUBJECTS: Final = (
    Subject("daemon", "/daemon", (_SERVER, _CLIENT), "ca"),
    Subject("agent", "/agent", (_SERVER,), "ca"),
    Subject("caller-ward", "/caller/ward", (_CLIENT,), "ca"),
    Subject("caller-billing", "/caller/billing", (_CLIENT,), "ca"),
    Subject("operator", "/operator/dev", (_CLIENT,), "ca"),
    Subject("auditor", "/auditor/dev", (_CLIENT,), "ca"),
    Subject("provider", "", (_SERVER,), "provider-ca"),
)
"""Everybody on a development machine. Servers answer to ``localhost``, 127.0.0.1 and ::1."""

SIGNERS: Final = (
    ("permit", "the daemon signs permits with it; the agent holds the public half"),
    ("log", "the agent signs the egress log's checkpoints with it; auditors hold the public half"),
)
"""Ed25519 key pairs: name of their files, and what they are for."""

SECOND_SIGNERS: Final = (("log-mldsa", "the agent signs the checkpoints on disk with it too"),)
"""The same for ML-DSA-44."""

WITNESS: Final = f"{TRUST_DOMAIN}/witness"
"""The daemon's name as witness; it has a key of each kind."""


@dataclass(frozen=True, slots=True)
class DevFile:
    """One file to write."""

    name: str
    """Its name in the folder."""
    content: bytes = field(repr=False)
    """PEM."""
    private: bool
    """A private key: only its owner may read it."""
    purpose: str
    """What it is, for the table that people see."""


@dataclass(frozen=True, slots=True)
class _Authority:
    """A certificate authority while it lives."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make(now: datetime, lifetime: timedelta) -> tuple[DevFile, ...]:
    """Every file of a development folder, in the order in which people look for them.

    Reads the system's randomness, for keys and serial numbers, and nothing else.

    Args:
        now: with a time zone; certificates hold from five minutes before.
        lifetime: how long from `now` they hold; authorities and leaves alike.
    """
    authorities = {name: _authority(name, now, lifetime) for name in ("ca", "provider-ca")}
    files = [
        DevFile(f"{name}.pem", _pem(authority.certificate), private=False, purpose=f"trust anchor of {issued}")
        for (name, authority), issued in zip(
            authorities.items(), ("daemon, agent, callers, operator, auditor", "the stand-in provider"), strict=True
        )
    ]
    for subject in SUBJECTS:
        files += _leaf_files(subject, authorities[subject.authority], now, lifetime)
    for name, purpose in SIGNERS:
        files += _signer_files(name, purpose, ed25519.Ed25519PrivateKey.generate())
    for name, purpose in SECOND_SIGNERS:
        files += _signer_files(name, purpose, mldsa.MLDSA44PrivateKey.generate())
    return (*files, *_witness_files())


def identity(subject: Subject) -> str:
    """The subject's SPIFFE identity; empty where it has none."""
    return f"spiffe://{TRUST_DOMAIN}{subject.path}" if subject.path else ""


def _authority(name: str, now: datetime, lifetime: timedelta) -> _Authority:
    """A self-signed authority that may sign leaves and nothing deeper."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _distinguished_name(f"Ringfence development {name}")
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(subject, subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(key_identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Authority(certificate, key)


def _leaf_files(subject: Subject, authority: _Authority, now: datetime, lifetime: timedelta) -> list[DevFile]:
    """The certificate and the private key of one subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key_identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(_distinguished_name(subject.name), authority.certificate.subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(subject.usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(subject)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_identifier), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    who = identity(subject) or "https://localhost"
    return [
        DevFile(f"{subject.name}.pem", _pem(certificate), private=False, purpose=who),
        DevFile(f"{subject.name}.key", _private_pem(key), private=True, purpose=f"private key of {who}"),
    ]


def _signer_files(name: str, purpose: str, key: PrivateKey) -> list[DevFile]:
    """A key pair to sign with: PKCS #8 and SubjectPublicKeyInfo."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return [
        DevFile(f"{name}.key", _private_pem(key), private=True, purpose=purpose),
        DevFile(f"{name}.pub", public, private=False, purpose=f"public half of {name}.key"),
    ]


def _witness_files() -> list[DevFile]:
    """A witness's two key pairs, and the verifier keys that name them to the agent and to auditors."""
    keys: dict[str, PrivateKey] = {
        "witness": ed25519.Ed25519PrivateKey.generate(),
        "witness-mldsa": mldsa.MLDSA44PrivateKey.generate(),
    }
    purpose = "the daemon cosigns the log's checkpoints with it"
    files = [file for name, key in keys.items() for file in _signer_files(name, purpose, key)]
    vkeys = "".join(f"{Cosigner(WITNESS, key.public_key()).vkey}\n" for key in keys.values())
    purpose = f"verifier keys of {WITNESS}, for the agent's log.witnesses and for audit verify"
    return [*files, DevFile("witness.vkeys", vkeys.encode(), private=False, purpose=purpose)]


def _alternative_names(subject: Subject) -> list[x509.GeneralName]:
    """One URI for who it is; for servers also where it listens."""
    names: list[x509.GeneralName] = []
    if subject.path:
        names.append(x509.UniformResourceIdentifier(identity(subject)))
    if _SERVER in subject.usages:
        names.append(x509.DNSName("localhost"))
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    return names


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    """What authorities and leaves have in common."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    """Authorities sign certificates; leaves sign handshakes; nothing else is allowed."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _distinguished_name(common_name: str) -> x509.Name:
    """A subject that people recognise; machines read the alternative names."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    """The certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey | PrivateKey) -> bytes:
    """The key as unencrypted PKCS #8 PEM; the file's mode is what guards it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
