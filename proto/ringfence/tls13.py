"""Leaves gRPC nothing but TLS 1.3; to be called before anything imports ``grpc``.

grpcio takes no minimum version. What it takes is a list of TLS 1.2 cipher suites, once, while it is being imported;
TLS 1.3 suites are not on that list and always stay. A list with nothing but a pre-shared-key suite, which certificates
cannot serve, leaves TLS 1.2 without a usable suite. Servers demand the version again for every call
(`ringfence.tls.peer_of`), so that a process that forgot this still answers nobody.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Final

CIPHER_VARIABLE: Final = "GRPC_SSL_CIPHER_SUITES"
"""Where gRPC's core looks for its TLS 1.2 suites."""
CIPHER_SUITES: Final = "ECDHE-PSK-CHACHA20-POLY1305"
"""A suite (RFC 7905) that needs a pre-shared key, so that no TLS 1.2 handshake with certificates can end well."""


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
