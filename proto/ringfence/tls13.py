"""Leaves gRPC nothing but TLS 1.3; to be called before anything imports ``grpc``.

grpcio takes no minimum version. What it takes is a list of TLS 1.2 cipher suites, once, while it is being imported;
TLS 1.3 suites are not on that list and always stay. A list with nothing but a pre-shared-key suite, which certificates
cannot serve, leaves TLS 1.2 without a usable suite. Servers demand the version again for every call
(`ringfence.demand`), so that a process that forgot this still answers nobody.

gRPC takes no list of key exchange groups either; both sides know X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem) and settle
on it. `ringfence.demand` looks at what was settled.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Final, Literal

CIPHER_VARIABLE: Final = "GRPC_SSL_CIPHER_SUITES"
"""Where gRPC's core looks for its TLS 1.2 suites."""
CIPHER_SUITES: Final = "ECDHE-PSK-CHACHA20-POLY1305"
"""A suite (RFC 7905) that needs a pre-shared key, so that no TLS 1.2 handshake with certificates can end well."""

Group = Literal["X25519MLKEM768", "X25519", "prime256v1", "secp384r1"]
"""What gRPC can settle on, by the names under which it tells: prime256v1 is P-256, secp384r1 is P-384."""
HYBRID: Final[Group] = "X25519MLKEM768"
"""The only group that is allowed unless a configuration says otherwise: what is recorded today cannot be read by a
quantum computer tomorrow."""


def require_tls13(environment: MutableMapping[str, str]) -> None:
    """Leave gRPC no TLS 1.2 suite.

    Args:
        environment: the process's own, ``os.environ``.

    Raises:
        RuntimeError: gRPC has been imported already and would not look again.
    """
    if environment.get(CIPHER_VARIABLE) == CIPHER_SUITES:
        return
    if "grpc" in sys.modules:
        raise RuntimeError("require_tls13 must run before grpc is imported")
    environment[CIPHER_VARIABLE] = CIPHER_SUITES
