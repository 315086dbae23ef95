"""Wires a client of the agent from files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ringfence import tls
from ringfence.cosignature import PrivateKey
from ringfence.renewal import AsyncChannel, Certificates
from ringfence.tls13 import HYBRID
from ringfenced.egress.checkpointfile import CheckpointFile
from ringfenced.egress.client import AgentClient
from ringfenced.egress.cosigning import Cosigning
from ringfenced.egress.witness import Witness


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Where the agent is, and what the daemon needs to be believed by it and to check it."""

    target: str
    """gRPC target: ``unix:/run/ringfence/agent.sock`` or ``agent.site.example:7443``."""
    server_name: str
    """The DNS name in the agent's certificate."""
    certificates: Certificates
    """The daemon's certificate, key and authority; renewed while it runs."""
    permit_key: Path
    """PEM file of the Ed25519 key that signs permits."""
    permit_key_id: str
    """Its name in the agent's configuration."""
    log_origin: str
    """Name of the agent's log."""
    log_public_key: Path
    """PEM file of the log's public key."""
    checkpoint_file: Path
    """Where the witness keeps the newest checkpoint."""
    message_bytes_max: int = 16 * 1024 * 1024
    """Longest message in either direction, in bytes."""
    key_exchange_groups: frozenset[str] = frozenset({HYBRID})
    """What a handshake with the agent may settle on."""
    witness_name: str = ""
    """Under which name the daemon cosigns; empty for none."""
    witness_keys: tuple[Path, ...] = ()
    """PEM files of the keys that it cosigns with, Ed25519 or ML-DSA-44."""


@asynccontextmanager
async def connect(
    settings: AgentSettings,
    *,
    unix_ms: Callable[[], int],
    monotonic_s: Callable[[], float],
    entropy: Callable[[int], bytes],
) -> AsyncIterator[AgentClient]:
    """A client that is wired from files; the agent need not be there yet.

    Raises:
        OSError: a file cannot be read.
        ValueError: a key is no Ed25519 key in PEM, or the checkpoint kept is not of this log.
    """
    key = load_pem_private_key(settings.permit_key.read_bytes(), password=None)
    public_key = load_pem_public_key(settings.log_public_key.read_bytes())
    if not isinstance(key, Ed25519PrivateKey) or not isinstance(public_key, Ed25519PublicKey):
        raise ValueError(  # noqa: TRY004 - the file's content is wrong, not a caller's type
            "permits and checkpoints are signed with Ed25519 keys; make some with ringfence dev-certs"
        )
    cosigning = _cosigning(settings, unix_ms=unix_ms, monotonic_s=monotonic_s)
    witness = Witness(CheckpointFile(settings.checkpoint_file), settings.log_origin, public_key)
    options = tls.channel_options(settings.message_bytes_max, settings.server_name)

    def open_channel(credentials: grpc.ChannelCredentials) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(settings.target, credentials, options=options)

    async with AsyncChannel(settings.certificates, open_channel) as channel:
        yield AgentClient(
            channel,
            witness,
            key,
            settings.permit_key_id,
            key_exchange_groups=settings.key_exchange_groups,
            message_bytes_max=settings.message_bytes_max,
            unix_ms=unix_ms,
            monotonic_s=monotonic_s,
            entropy=entropy,
            cosigning=cosigning,
        )


def _cosigning(
    settings: AgentSettings, *, unix_ms: Callable[[], int], monotonic_s: Callable[[], float]
) -> Cosigning | None:
    """The witness's keys, where it has some."""
    if not settings.witness_keys:
        return None
    keys: list[PrivateKey] = []
    for path in settings.witness_keys:
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
            raise ValueError(f"{path}: a witness cosigns with an Ed25519 or an ML-DSA-44 key")  # noqa: TRY004 - a file's
        keys.append(key)
    return Cosigning(settings.log_origin, settings.witness_name, keys, unix_ms=unix_ms, monotonic_s=monotonic_s)
