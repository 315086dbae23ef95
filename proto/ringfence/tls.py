"""Mutual TLS for gRPC, the same for daemon, agent and clients: TLS 1.3 only, both sides with certificates.

A process calls `ringfence.tls13.require_tls13` before it imports gRPC, and its servers demand of every call what
`peer_of` reads: version and group that were in fact negotiated (`ringfence.demand`). Certificates are renewed while
calls run (`ringfence.renewal`).
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import grpc

from ringfence.renewal.certificates import Certificates, Identity, Pems

__all__ = [
    "CONNECTION_KEY",
    "TLS13",
    "AuthContext",
    "Certificates",
    "Identity",
    "Peer",
    "channel_credentials",
    "channel_options",
    "peer_identity",
    "peer_of",
    "server_credentials",
    "server_options",
]

TLS13: Final = "TLSv1.3"
"""How gRPC names the version in an auth context."""

CONNECTION_KEY: Final = "ringfence-connection"
"""Initial metadata in which the agent tells the daemon how their connection is secured: `str` of a `Peer`."""

AuthContext = Mapping[str, Iterable[bytes]]
"""What ``grpc.ServicerContext.auth_context()`` gives."""

_KEEPALIVE: Final = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Also notices a peer whose kernel answers but whose process is frozen.
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection, as its handshake showed."""

    identity: str | None
    """The one SPIFFE URI of the verified certificate; None where it has none, or several."""
    tls_version: str
    """For example ``TLSv1.3``; empty without TLS."""
    key_exchange_group: str
    """For example ``X25519MLKEM768``; empty where gRPC does not say."""
    certificate_sha256: str = ""
    """Fingerprint of the verified certificate, hex (over DER, as ``openssl x509 -fingerprint -sha256``); empty without
    one."""

    def __str__(self) -> str:
        """How the connection is secured, for people: ``TLS 1.3, X25519MLKEM768``."""
        return f"{self.tls_version.replace('TLSv', 'TLS ')}, {self.key_exchange_group or 'unknown group'}"


def server_credentials(certificates: Certificates) -> grpc.ServerCredentials:
    """Credentials of a server that demands a certificate of every client; for one port.

    Each new connection is shown the newest certificates; those that stand are left alone.
    """
    shown = certificates.current()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC, from a thread of its own, before every handshake."""
        nonlocal shown
        if (newest := certificates.current()) is shown:
            return None
        shown = newest
        return _configuration(newest)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(shown),
        renewed,  # type: ignore[arg-type]  # None is no change, as gRPC documents it and its stubs do not
        require_client_authentication=True,
    )


def channel_credentials(files: Identity) -> grpc.ChannelCredentials:
    """Credentials of a client that shows its certificate, as its files are now (`ringfence.renewal` renews them).

    Raises:
        OSError: a file cannot be read.
    """
    return grpc.ssl_channel_credentials(
        files.authority.read_bytes(), files.key.read_bytes(), files.certificate.read_bytes()
    )


def server_options(message_bytes_max: int, *, is_shared: bool = False) -> tuple[tuple[str, int], ...]:
    """Keepalive and limits of a server.

    Args:
        message_bytes_max: longest message in either direction, in bytes.
        is_shared: several processes of ours serve one port.
    """
    return (
        *_KEEPALIVE,
        # A client that pings more often than this is cut off.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        # Two servers on one port share its connections; unless that is meant, refuse to start instead.
        ("grpc.so_reuseport", int(is_shared)),
        *_limits(message_bytes_max),
    )


def channel_options(message_bytes_max: int, server_name: str = "") -> tuple[tuple[str, int | str], ...]:
    """Keepalive and limits of a client, and no proxy, whatever the environment says (``https_proxy``, ``grpc_proxy``).

    What goes between our own processes goes there straight: a proxy would learn who speaks with whom and how much, and
    could keep the daemon from its agent.

    Args:
        message_bytes_max: longest message in either direction, in bytes.
        server_name: the DNS name that the server's certificate must bear; empty for the target's own. Over a unix
            socket there is none to go by, so that one must be given.
    """
    # A process that was restarted is found again within a second; gRPC's own back-off goes up to two minutes.
    again = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000))
    name = (("grpc.ssl_target_name_override", server_name), ("grpc.default_authority", server_name))
    straight = ("grpc.enable_http_proxy", 0)
    return (straight, *_KEEPALIVE, *again, *_limits(message_bytes_max), *(name if server_name else ()))


def peer_of(auth_context: AuthContext) -> Peer:
    """The other end of a connection.

    The certificate was verified in the handshake; whether this identity may do anything is the caller's to decide.
    """
    return Peer(
        identity=peer_identity(auth_context),
        tls_version=_only(auth_context, "ssl_tls_version"),
        key_exchange_group=_only(auth_context, "ssl_negotiated_key_exchange_group"),
        certificate_sha256=_fingerprint(_only(auth_context, "x509_pem_cert")),
    )


def peer_identity(auth_context: AuthContext) -> str | None:
    """The one URI of the peer's certificate, in SPIFFE form.

    A certificate with no URI, several, or one of another scheme names nobody (X.509-SVID, section 2: exactly one
    URI SAN).
    """
    uris = tuple(auth_context.get("peer_uri", ()))
    if len(uris) != 1:
        return None
    try:
        uri = uris[0].decode("ascii")
    except UnicodeDecodeError:
        return None
    domain, _, path = uri.removeprefix("spiffe://").partition("/")
    return uri if uri.startswith("spiffe://") and domain and path else None


def _fingerprint(pem: str) -> str:
    """Of a certificate in PEM (RFC 7468); empty for none."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() if pem else ""


def _configuration(pems: Pems) -> grpc.ServerCertificateConfiguration:
    """What a server shows and trusts."""
    return grpc.ssl_server_certificate_configuration([(pems.key, pems.certificate)], pems.authority)


def _limits(message_bytes_max: int) -> tuple[tuple[str, int], ...]:
    """A limit on everything that a peer can make this process hold."""
    return (
        ("grpc.max_receive_message_length", message_bytes_max),
        ("grpc.max_send_message_length", message_bytes_max),
        ("grpc.max_metadata_size", 16 * 1024),
    )


def _only(auth_context: AuthContext, name: str) -> str:
    """A property that comes once; empty where it is missing."""
    values = tuple(auth_context.get(name, ()))
    return values[0].decode("ascii", "replace") if len(values) == 1 else ""
