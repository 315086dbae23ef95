"""Certificates and keys: made, written as PEM, read again."""  # noqa: INP001 - mounted into a job

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clock import CLOCK_SKEW
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from wanted import Data, Leaf


@dataclass(frozen=True)
class Issuer:
    """An authority."""

    certificate: x509.Certificate
    """Its certificate."""
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    """What it signs with."""

    @property
    def made(self) -> datetime:
        """When it was made."""
        return self.certificate.not_valid_before_utc + CLOCK_SKEW

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.certificate.not_valid_after_utc

    def is_begun(self, now: datetime) -> bool:
        """Whether it was made before now, by two clocks that may each be CLOCK_SKEW from the right one."""
        return self.made <= now + 2 * CLOCK_SKEW


def new_authority(now: datetime, lifetime: timedelta) -> Issuer:
    """A self-signed authority that may sign leaves and nothing deeper (RFC 5280, 4.2.1), called after its day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name(f"Ringfence {now:%Y-%m-%d}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key.public_key(), now, now + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issuer(certificate, key)


def new_leaf(leaf: Leaf, authority: Issuer, now: datetime, lifetime: timedelta) -> Data:
    """A certificate with a key of its own, as cert-manager would write it; it ends no later than its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(leaf.uri), *map(x509.DNSName, leaf.names)]
    # The daemon is a client of the agent too; what has no name listens nowhere.
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if leaf.names else [])]
    issuer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    subject, end = _common_name(leaf.uri.rpartition("/")[2]), min(now + lifetime, authority.end)
    certificate = (
        _builder(subject, authority.certificate.subject, key.public_key(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return {"tls.crt": pem(certificate), "tls.key": private(key)}


def is_good(leaf: Leaf, held: Data, authority: Issuer, now: datetime, until: datetime) -> bool:
    """Whether what is there is what is wanted, from this authority, and holds from `now` to after `until`."""
    try:
        certificate = x509.load_pem_x509_certificate(held["tls.crt"])
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = load_pem_private_key(held["tls.key"], None)
    except (KeyError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        key.public_key() == certificate.public_key()
        and names.get_values_for_type(x509.UniformResourceIdentifier) == [leaf.uri]
        and tuple(names.get_values_for_type(x509.DNSName)) == leaf.names
        and certificate.not_valid_before_utc <= now
        and certificate.not_valid_after_utc > until
    )


def issuer(certificate: bytes, key: bytes) -> Issuer:
    """The authority that two PEM files are.

    Raises:
        ValueError: they are none, or not one.
    """
    loaded, own = x509.load_pem_x509_certificate(certificate), load_pem_private_key(key, None)
    if not isinstance(own, ec.EllipticCurvePrivateKey) or own.public_key() != loaded.public_key():
        raise ValueError("the key is another's")
    return Issuer(loaded, own)


def signing_key() -> bytes:
    """An Ed25519 key, for permits or for the log."""
    return private(ed25519.Ed25519PrivateKey.generate())


def public_half(key: bytes) -> bytes:
    """What others know of a signing key.

    Raises:
        ValueError, TypeError: it is none.
    """
    return load_pem_private_key(key, None).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as everybody reads it."""
    return certificate.public_bytes(Encoding.PEM)


def private(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """A key as daemon and agent read it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - CLOCK_SKEW).not_valid_after(end)


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> x509.Name:
    # RFC 5280, appendix A: at most 64 characters.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
