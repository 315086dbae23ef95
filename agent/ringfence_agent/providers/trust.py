"""Whom a provider's connection trusts: TLS 1.3, the authorities that were named, and the pins, and nothing else.

With authorities, the chain and the host name are verified, and with pins beside them one key of the verified chain must
be pinned (RFC 7469, section 2.6): the leaf's, or an issuer's, which outlives the leaf. With pins alone, the leaf's own
key must be pinned, and neither its name nor its issuer nor its dates matter (as DANE-EE has it, RFC 7671, section 5.1).
Pins are looked at after the handshake and before a byte of a request is sent.

The group of the key exchange: OpenSSL from 3.5 on offers X25519MLKEM768 first by itself. To demand it, Python must be
able to say so (``ssl.SSLContext.set_groups``, Python 3.15).
"""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpcore2
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ringfence_agent.providers import ProviderError

POST_QUANTUM_GROUP: Final = "X25519MLKEM768"
"""ML-KEM-768 beside X25519 (draft-ietf-tls-ecdhe-mlkem)."""
PIN_BYTES: Final = 32
"""A pin is a SHA-256."""

Wrap = Callable[[httpcore2.AsyncNetworkStream], httpcore2.AsyncNetworkStream]
"""What becomes of a connection whose other end is trusted."""


class TrustError(ValueError):
    """This Python cannot give the trust that was asked for; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom one provider's connections trust."""

    authority: Path | None
    """PEM file of authorities; None where pins alone decide."""
    pins: frozenset[str] = frozenset()
    """SHA-256 of SubjectPublicKeyInfo, base64 (RFC 7469, section 2.4)."""
    demand_post_quantum: bool = False
    """No other group than X25519MLKEM768."""

    def context(self) -> ssl.SSLContext:
        """TLS 1.3 for a client that trusts so; pins are not in it, `demand` looks at them.

        Raises:
            OSError: the authorities cannot be read.
            ssl.SSLError: they are no certificates.
            TrustError: this Python cannot demand a group; or neither authority nor pin is given.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["http/1.1"])
        if self.authority is not None:
            context.load_verify_locations(cafile=self.authority)
        elif self.pins:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            raise TrustError("name the provider's authority, or pin its key")
        if self.demand_post_quantum:
            _only_post_quantum(context)
        return context

    def demand(self, connection: ssl.SSLObject) -> None:
        """Refuse a connection without a pinned key, where keys are pinned.

        Raises:
            ProviderError: unreachable.
        """
        if not self.pins:
            return
        shown = _leaf(connection) if self.authority is None else _verified_chain(connection)
        if self.pins.isdisjoint(filter(None, map(pin_of, shown))):
            raise ProviderError("unreachable", "the provider shows a key that is not pinned; see pins and its rotation")


class TrustedNetwork(httpcore2.AsyncNetworkBackend):
    """Makes connections whose TLS ends with somebody trusted. For one event loop."""

    def __init__(self, network: httpcore2.AsyncNetworkBackend, trust: Trust, wrap: Wrap) -> None:
        """Connect over `network`; give what is trusted through `wrap`."""
        self._network = network
        self._trust = trust
        self._wrap = wrap

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect; TLS begins with the stream's `start_tls`."""
        stream = await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Untrusted(stream, self._trust, self._wrap)


class _Untrusted(httpcore2.AsyncNetworkStream):
    """A connection before its TLS: nothing is said on it."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, trust: Trust, wrap: Wrap) -> None:
        self._stream = stream
        self._trust = trust
        self._wrap = wrap

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore2.AsyncNetworkStream:
        """Shake hands, and look at who it is."""
        secured = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        try:
            self._trust.demand(secured.get_extra_info("ssl_object"))
        except BaseException:
            await secured.aclose()
            raise
        return self._wrap(secured)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """What is known of the connection."""
        return self._stream.get_extra_info(info)


def pin_of(certificate: bytes) -> str:
    """A certificate's pin: SHA-256 of its SubjectPublicKeyInfo, base64; empty where the key is of no known kind.

    Args:
        certificate: DER.
    """
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return ""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def _leaf(connection: ssl.SSLObject) -> Iterable[bytes]:
    """The certificate that the other end proved to have the key of."""
    shown = connection.getpeercert(binary_form=True)
    return (shown,) if shown else ()


def _verified_chain(connection: ssl.SSLObject) -> Iterable[bytes]:
    """The chain that was verified, leaf first; public from Python 3.13 on, and there before. Else the leaf alone."""
    read = getattr(connection, "get_verified_chain", None)
    if read is not None:
        return tuple(read())
    inner = getattr(getattr(connection, "_sslobj", None), "get_verified_chain", None)
    if inner is None:
        return _leaf(connection)
    return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in inner())


def _only_post_quantum(context: ssl.SSLContext) -> None:
    """Offer no other group."""
    set_groups = getattr(context, "set_groups", None)
    if set_groups is None:
        raise TrustError(
            "this Python cannot demand a key exchange (ssl.SSLContext.set_groups, Python 3.15); remove "
            "demand_post_quantum: OpenSSL 3.5 and later prefer X25519MLKEM768 by themselves"
        )
    set_groups(POST_QUANTUM_GROUP)
