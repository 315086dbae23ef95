"""How a client reaches its daemon: mTLS on TCP or on a unix socket."""

from __future__ import annotations

from typing import Final

import grpc
import grpc.aio

from ringfence import tls
from ringfence.renewal import AsyncChannel, Certificates, ThreadChannel
from ringfence.v1.inference_pb2 import GenerateRequest

CALL_TIMEOUT_S: Final = 30.0
"""How long calls that do not generate may take."""

DEADLINE_GRACE_S: Final = 1.0
"""How much longer than a request's own deadline the transport waits, so that the daemon's typed error comes first."""

UNIX_SERVER_NAME: Final = "localhost"
"""Name that a daemon's certificate must bear behind a unix socket, whose path is no name."""

MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Longest message either way; files travel inside messages. The daemon sets its own, lower limits."""


def channel(target: str, identity: tls.Identity, server_name: str) -> grpc.Channel:
    """A channel for threads. Nothing is connected yet.

    Args:
        target: ``host:port`` or ``unix:/path/of/socket``.
        identity: the caller's files; when they change, new calls go over a new connection.
        server_name: name that the daemon's certificate must bear; empty for the target's host, or ``localhost`` on a
            unix socket.

    Raises:
        OSError: a file cannot be read.
        CertificateError: they do not fit together (a ValueError).
    """
    options = _options(target, server_name)
    return ThreadChannel(Certificates(identity), lambda shown: grpc.secure_channel(target, shown, options=options))


def async_channel(target: str, identity: tls.Identity, server_name: str) -> grpc.aio.Channel:
    """The same for one asyncio loop."""
    options = _options(target, server_name)
    return AsyncChannel(Certificates(identity), lambda shown: grpc.aio.secure_channel(target, shown, options=options))


def stream_timeout_s(request: GenerateRequest) -> float | None:
    """How long the transport waits for a generation: a little longer than the request itself; None for no limit."""
    return request.deadline_ms / 1000 + DEADLINE_GRACE_S if request.deadline_ms else None


def _options(target: str, server_name: str) -> list[tuple[str, str | int]]:
    """Keepalive, limits, the name to expect; and no proxy."""
    name = server_name or (UNIX_SERVER_NAME if target.startswith("unix:") else "")
    return list(tls.channel_options(MESSAGE_BYTES_MAX, name))
