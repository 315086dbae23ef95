"""The way out, and what the daemon cosigns: the section ``[agent]`` of the daemon's file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from ringfence.configfile import Section
from ringfence.tls13 import HYBRID, Group
from ringfenced.config.types import FilePath, Name, Tls


class Agent(Section):
    """The way out."""

    target: str
    """``unix:/path`` or ``host:port`` of ringfence-agent."""
    server_name: str = "localhost"
    """DNS name that the agent's certificate must bear."""
    tls: Tls
    """Our client certificate and the CA that the agent's chains to."""
    key_exchange_groups: frozenset[Group] = Field(default=frozenset({HYBRID}), min_length=1)
    """What a handshake with the agent may settle on; over anything else nothing is sent."""
    permit_key: FilePath
    """Ed25519 private key, PEM, that signs release permits."""
    permit_key_id: Name = "daemon-1"
    """How the agent's configuration names its public half."""
    log_public_key: FilePath
    """Ed25519 public key, PEM, of the egress log."""
    log_origin: str
    """Origin line of the log's checkpoints, as in the agent's configuration."""
    witness_name: str = Field(default="", pattern=r"^[^\s+]{0,255}$")
    """Name under which this daemon cosigns the log's checkpoints, for example ``site.example/witness``."""
    witness_key: FilePath | None = None
    """Ed25519 private key, PEM, that cosigns; none if unset."""
    witness_key_mldsa: FilePath | None = None
    """ML-DSA-44 private key, PEM, that cosigns as well or alone; none if unset."""

    @property
    def witness_keys(self) -> tuple[Path, ...]:
        """Every key that cosigns."""
        return tuple(key for key in (self.witness_key, self.witness_key_mldsa) if key is not None)

    @model_validator(mode="after")
    def _named(self) -> Agent:
        if bool(self.witness_name) != bool(self.witness_keys):
            raise ValueError("a daemon that cosigns needs witness_name, and witness_key or witness_key_mldsa")
        return self
