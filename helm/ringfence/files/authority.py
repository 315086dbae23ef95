"""The chart's own authority: makes the Secrets that daemon and agent mount, and renews their certificates in time.

A job of the chart runs it in the daemon's image, where `tls.source` is `chart`: ``authority.py WANTED.json``. What is
there and still good is left alone, so that it can run as often as it likes, and several times at once: each Secret is
written whole, and only if nobody else has written it meanwhile.

1. **look**: the Secrets as they are.
2. **plan**: what is missing, ends soon, bears other names or comes from another authority.
3. **write**: those, the authority first.

It imports nothing of Ringfence, is never loaded by daemon or agent, and speaks to the cluster's API alone.
"""  # noqa: INP001 - mounted into a job and run by itself

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

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

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet puts a pod's token, its namespace and the API's authority ("Accessing the API from a Pod")."""

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How long before now a certificate begins to hold, for nodes whose clocks run behind."""

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""More than a Secret can be (1 MiB, and base64 besides)."""

TIMEOUT_S: Final = 30.0
"""How long the API may take for one answer."""

CONFLICT: Final = 409
"""Somebody else has written it meanwhile (RFC 9110)."""

OURS: Final = ("app.kubernetes.io/component", "authority")
"""The label of Secrets that were made here; others are never written."""

Data = Mapping[str, bytes]
"""What a Secret holds, by key."""


class AuthorityError(Exception):
    """It cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Leaf:
    """A certificate that is wanted."""

    secret: str
    """Name of its Secret."""
    uri: str
    """Who it is for: its one URI (X.509-SVID, section 2)."""
    names: tuple[str, ...]
    """Its DNS names; none for what is a client alone."""


@dataclass(frozen=True)
class Wanted:
    """All that is wanted."""

    authority: str
    """Name of the authority's Secret."""
    authority_hours: int
    """How long the authority holds, in hours."""
    hours: int
    """How long a certificate holds, in hours."""
    renew_hours: int
    """How long before its end a certificate is made anew, in hours."""
    leaves: tuple[Leaf, ...]
    """Whose certificates."""
    daemon_keys: str
    """Name of the Secret of permit.key and log.pub; empty where there is no agent."""
    agent_keys: str
    """Name of the Secret of log.key and permit.pub; empty likewise."""
    labels: Mapping[str, str]
    """Labels of what is made."""

    @staticmethod
    def of(document: Mapping[str, Any]) -> Wanted:
        """The value that the chart wrote as JSON."""
        leaves = tuple(Leaf(one["secret"], one["uri"], tuple(one["names"])) for one in document["leaves"])
        return Wanted(**{**document, "leaves": leaves})

    def secrets(self) -> tuple[str, ...]:
        """The names of all Secrets."""
        keys = (self.daemon_keys, self.agent_keys) if self.daemon_keys else ()
        return (self.authority, *(leaf.secret for leaf in self.leaves), *keys)


@dataclass(frozen=True)
class Held:
    """A Secret that is there."""

    data: Data = field(repr=False)
    """What it holds."""
    is_ours: bool
    """Whether it was made here."""


@dataclass(frozen=True)
class Issuer:
    """An authority."""

    certificate: x509.Certificate
    """Its certificate."""
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    """What it signs with."""


# ── 2. plan ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan(wanted: Wanted, found: Mapping[str, Held], now: datetime) -> Iterator[tuple[str, Data]]:
    """What has to be written, in this order. Reads the system's randomness, for keys and serial numbers.

    Args:
        wanted: all that is wanted.
        found: the Secrets that are there, by name.
        now: with a time zone.

    Raises:
        AuthorityError: what is there cannot be used.
    """
    held = found.get(wanted.authority)
    if held is None:
        authority = new_authority(now, timedelta(hours=wanted.authority_hours))
        yield wanted.authority, {"tls.crt": _pem(authority.certificate), "tls.key": _private(authority.key)}
    else:
        authority = _held(wanted.authority, held.data)
        if authority.certificate.not_valid_after_utc < now + timedelta(hours=wanted.hours):
            raise AuthorityError(
                f"the authority in {wanted.authority} ends on {authority.certificate.not_valid_after_utc:%Y-%m-%d}, "
                "before a certificate of it would; make a new one by deleting that Secret, then restart every pod "
                "and give callers the new ca.crt"
            )
    for leaf in wanted.leaves:
        there = found.get(leaf.secret)
        if there is not None and not there.is_ours:
            raise AuthorityError(f"Secret {leaf.secret} was not made by this chart; give another name, or delete it")
        if there is None or not is_good(leaf, there.data, authority, now + timedelta(hours=wanted.renew_hours)):
            yield leaf.secret, new_leaf(leaf, authority, now, timedelta(hours=wanted.hours))
    yield from _key_pairs(wanted, found)


def is_good(leaf: Leaf, held: Data, authority: Issuer, until: datetime) -> bool:
    """Whether what is there is what is wanted, from this authority, and holds longer than `until`."""
    try:
        certificate = x509.load_pem_x509_certificate(held["tls.crt"])
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = load_pem_private_key(held["tls.key"], None)
    except (KeyError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        held.get("ca.crt") == _pem(authority.certificate)
        and key.public_key() == certificate.public_key()
        and names.get_values_for_type(x509.UniformResourceIdentifier) == [leaf.uri]
        and tuple(names.get_values_for_type(x509.DNSName)) == leaf.names
        and certificate.not_valid_after_utc > until
    )


def _key_pairs(wanted: Wanted, found: Mapping[str, Held]) -> Iterator[tuple[str, Data]]:
    """The pairs that sign permits and the log. They are made once and never renewed: others know the public halves."""
    names = [name for name in (wanted.daemon_keys, wanted.agent_keys) if name]
    missing = [name for name in names if name not in found]
    if not missing:
        return
    if len(missing) < len(names):
        raise AuthorityError(f"{missing[0]} is missing and its counterpart is there; restore it, or delete both")
    permit, log = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    yield wanted.daemon_keys, {"permit.key": _private(permit), "log.pub": _public(log)}
    yield wanted.agent_keys, {"log.key": _private(log), "permit.pub": _public(permit)}


def new_authority(now: datetime, lifetime: timedelta) -> Issuer:
    """A self-signed authority that may sign leaves and nothing deeper (RFC 5280, 4.2.1)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("Ringfence")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issuer(certificate, key)


def new_leaf(leaf: Leaf, authority: Issuer, now: datetime, lifetime: timedelta) -> Data:
    """A certificate with a key of its own, as cert-manager would write it."""
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(leaf.uri), *map(x509.DNSName, leaf.names)]
    # The daemon is a client of the agent too; what has no name listens nowhere.
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if leaf.names else [])]
    issuer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(
            _common_name(leaf.uri.rpartition("/")[2]), authority.certificate.subject, key.public_key(), now, lifetime
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return {"tls.crt": _pem(certificate), "tls.key": _private(key), "ca.crt": _pem(authority.certificate)}


def _held(name: str, held: Data) -> Issuer:
    try:
        certificate = x509.load_pem_x509_certificate(held["tls.crt"])
        key = load_pem_private_key(held["tls.key"], None)
    except (KeyError, ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise AuthorityError(f"{name} holds no authority of this chart's (tls.crt, tls.key); restore it, or delete it")
    return Issuer(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - CLOCK_SKEW).not_valid_after(now + lifetime)


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


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# ── 1. look, 3. write ───────────────────────────────────────────────────────────────────────────────────────────────


class Cluster:
    """The Secrets of one namespace, through the cluster's API."""

    def __init__(self, host: str, port: int, account: Path) -> None:
        """Take where the API is, and the folder of the pod's account."""
        trusted = ssl.create_default_context(cafile=str(account / "ca.crt"))
        self._host, self._port, self._trusted = host, port, trusted
        self._token = (account / "token").read_text().strip()
        self._base = f"/api/v1/namespaces/{(account / 'namespace').read_text().strip()}/secrets"
        self._versions: dict[str, str] = {}

    def look(self, names: Sequence[str]) -> dict[str, Held]:
        """Those that are there, by name.

        Raises:
            AuthorityError: the API refuses, or cannot be reached.
        """
        found: dict[str, Held] = {}
        for name in names:
            status, document = self._ask("GET", f"{self._base}/{name}")
            if status == http.client.OK:
                self._versions[name] = document["metadata"]["resourceVersion"]
                data = {key: base64.b64decode(value) for key, value in document.get("data", {}).items()}
                label, value = OURS
                found[name] = Held(data, document["metadata"].get("labels", {}).get(label) == value)
            elif status != http.client.NOT_FOUND:
                raise self._refused(status, "read", name)
        return found

    def write(self, name: str, data: Data, labels: Mapping[str, str]) -> None:
        """Make a Secret, or replace what was there when we looked.

        Raises:
            AuthorityError: the API refuses, cannot be reached, or somebody else has written it meanwhile.
        """
        metadata: dict[str, Any] = {"name": name, "labels": dict(labels)}
        if name in self._versions:
            metadata["resourceVersion"] = self._versions[name]
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            # cert-manager's type, so that a site can move to it without deleting anything.
            "type": "kubernetes.io/tls" if "tls.crt" in data else "Opaque",
            "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
        }
        method, path = ("PUT", f"{self._base}/{name}") if name in self._versions else ("POST", self._base)
        status, _ = self._ask(method, path, document)
        if status == CONFLICT:
            raise AuthorityError(f"somebody else has written {name} meanwhile; the job begins anew")
        if status not in {http.client.OK, http.client.CREATED}:
            raise self._refused(status, "write", name)

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        body = None
        if document is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(document)
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=self._trusted)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read(ANSWER_BYTES_MAX)
            return answer.status, json.loads(text) if answer.status == http.client.OK else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AuthorityError(
                f"the cluster's API gives no answer ({type(error).__name__}); tls.chart.apiServers must name its "
                "addresses, or the network policy keeps this job from it"
            ) from None
        finally:
            connection.close()

    @staticmethod
    def _refused(status: int, verb: str, name: str) -> AuthorityError:
        return AuthorityError(f"the cluster's API answers {status}: the job may not {verb} Secret {name}")


def main(arguments: Sequence[str], environment: Mapping[str, str], now: datetime, account: Path = ACCOUNT) -> int:
    """Do all of it; returns the exit status: 0 all is as wanted, 1 it is not, and standard error says why."""
    try:
        wanted = Wanted.of(json.loads(Path(arguments[0]).read_text()))
        host, port = environment["KUBERNETES_SERVICE_HOST"], int(environment["KUBERNETES_SERVICE_PORT"])
        cluster = Cluster(host, port, account)
        for name, data in plan(wanted, cluster.look(wanted.secrets()), now):
            cluster.write(name, data, wanted.labels)
            print(f"written: Secret {name}")  # noqa: T201 - the job's log
    except AuthorityError as error:
        print(error, file=sys.stderr)  # noqa: T201 - likewise
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, datetime.now(UTC)))  # noqa: TID251 - the edge
