"""Where applications reach the daemon, and how answers are streamed to them: ``[listen]`` and ``[streams]``."""

from __future__ import annotations

from pydantic import Field, model_validator

from ringfence.configfile import Section
from ringfence.tls13 import HYBRID, Group
from ringfenced.config.types import FilePath, Tls


class Listen(Section):
    """Where applications reach the daemon; mTLS and TLS 1.3 only, on both."""

    tcp: str = ""
    """``host:port``; empty for none. Port 0 takes a free one, told in the log."""
    unix: FilePath | None = None
    """Path of a unix socket; none if unset."""
    health: str = ""
    """``host:port`` of a plain gRPC port with nothing but grpc.health.v1, for Kubernetes' probes; empty for none."""
    tls: Tls
    """Our certificate."""
    key_exchange_groups: frozenset[Group] = Field(default=frozenset({HYBRID}), min_length=1)
    """What a handshake may settle on. grpcio, Go 1.24 and OpenSSL 3.5 or later offer the hybrid; add ``X25519`` while
    callers are left that do not."""
    message_bytes_max: int = Field(default=16 * 1024 * 1024, ge=4096, le=256 * 1024 * 1024)
    """Largest request, in bytes."""
    calls_max: int = Field(default=2048, ge=1, le=100_000)
    """Most calls at the same time in one process; further ones are refused."""
    request_seconds_max: int = Field(default=600, ge=1, le=86_400)
    """How long a request may take that asks for no deadline, or for a later one."""

    @model_validator(mode="after")
    def _somewhere(self) -> Listen:
        if not self.tcp and self.unix is None:
            raise ValueError('set listen.tcp, for example "127.0.0.1:7443", or listen.unix, or both')
        return self


class Streams(Section):
    """How answers are streamed."""

    coalesce_ms: float = Field(default=50.0, ge=0, le=1000)
    """How long an engine may let text gather before it sends it, in milliseconds: the first piece goes at once, the end
    never waits; 0 sends each step as it comes."""
