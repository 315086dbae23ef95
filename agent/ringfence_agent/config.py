"""The agent's one file: TOML, checked once, frozen, every field documented.

Relative paths are relative to the folder of the file. Nothing here is read from the environment, and no secret stands
in the file: keys are files of their own, readable by nobody else.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from ringfence import configfile
from ringfence.configfile import ConfigError, Section
from ringfence.confine.settings import Confine
from ringfence.recognize.plugins import Kind
from ringfence.recognize.settings import Classification
from ringfence.tls import Identity
from ringfence.tls13 import HYBRID, Group
from ringfence_agent.config_provider import ProviderConfig
from ringfence_agent.config_types import (
    MIB,
    Name,
    Resolved,
    SpiffeId,
    Vkey,
    address,
    resolved_or_none,
)
from ringfence_agent.lockdown_orders import Operators
from ringfence_agent.quotas import Per, Quota

__all__ = ["Config", "ProviderConfig", "demand_private", "load"]

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO | stat.S_IXUSR
"""What a secret's mode must not have."""
_OTHERS_OF_ROOT: Final = _OTHERS & ~stat.S_IRGRP
"""The same for a file of root: Kubernetes hands secrets to a pod that is not root as root's files, readable by the
pod's group (fsGroup), whatever mode is asked for (kubernetes/kubernetes#57923)."""


class Listen(Section):
    """Where the daemon finds the agent."""

    address: Annotated[str, AfterValidator(address)]
    """``unix:/path/agent.sock``, or ``host:port`` where the agent sits on a host of its own."""
    certificate: Resolved
    """PEM file of the agent's certificate chain, leaf first."""
    key: Resolved
    """PEM file of its private key, mode 0400 or 0600."""
    authority: Resolved
    """PEM file of the authority that the daemon's certificate must come from."""
    key_exchange_groups: frozenset[Group] = Field(default=frozenset({HYBRID}), min_length=1)
    """What a handshake may settle on; add ``X25519`` for a daemon that does not know the hybrid."""
    message_bytes_max: int = Field(default=16 * MIB, ge=64 * 1024, le=256 * MIB)
    """Longest payload, in bytes."""
    calls_max: int = Field(default=1024, ge=1, le=100_000)
    """Most calls at the same time; further ones wait."""
    health: str = Field(default="", pattern=r"^$|^.+:[0-9]{1,5}$")
    """``host:port`` of a plain gRPC port with nothing but grpc.health.v1, for Kubernetes' probes; empty for none."""

    def identity(self) -> Identity:
        """The files together."""
        return Identity(self.certificate, self.key, self.authority)


class Daemon(Section):
    """Who may ask the agent to send."""

    identities: tuple[SpiffeId, ...] = Field(min_length=1)
    """SPIFFE ids of the daemons' certificates."""
    permit_keys: dict[Name, Resolved] = Field(min_length=1)
    """Key id to PEM file of an Ed25519 public key; a permit names the key that signed it."""


class Log(Section):
    """The egress log."""

    directory: Resolved
    """Folder of the log; only the agent writes there."""
    origin: str = Field(min_length=1, max_length=128, pattern=r"^[^\s+]+$")
    """Name of the log in its checkpoints, for example ``site.example/egress``; never changes."""
    signing_key: Resolved
    """PEM file of the Ed25519 key that signs checkpoints, mode 0400 or 0600."""
    signing_key_mldsa: Annotated[Path | None, AfterValidator(resolved_or_none)] = None
    """PEM file of an ML-DSA-44 key, mode 0400 or 0600, that signs checkpoints on disk and for witnesses as well, so
    that they hold against quantum computers; left out, Ed25519 stands alone."""
    witnesses: tuple[Vkey, ...] = Field(default=(), max_length=16)
    """Verifier keys (C2SP: ``name+hash+base64``) of the witnesses whose cosignatures are published, for example those
    that ``ringfence dev-certs`` prints."""
    salt_key: Resolved
    """File of 32 random bytes, mode 0400 or 0600, made at the first start where it is missing. Salts of payload
    commitments come from it: who has it can test guesses of what was sent, so it stays with the agent."""


class LockdownConfig(Section):
    """Who may stop egress, and allow it again."""

    operators_to_stop: int = Field(default=1, ge=1, le=10)
    """How many operators must order a stop before it holds; at most `operators_to_lift`."""
    operators_to_lift: int = Field(default=1, ge=1, le=10)
    """How many must order the opposite before egress is allowed again; 2 for the four-eyes principle."""
    confirm_seconds_max: float = Field(default=900.0, ge=1, le=86_400)
    """How long an order waits for the other operators."""
    operators: dict[Name, Resolved] = Field(default_factory=dict)
    """Operator's name to PEM file of their Ed25519 public key. Where any stand here, lifting takes signatures of
    `operators_to_lift` of them, which a daemon cannot make up; stopping never needs one."""

    @model_validator(mode="after")
    def _stopping_is_easier(self) -> LockdownConfig:
        if self.operators_to_stop > self.operators_to_lift:
            raise ValueError(
                f"stopping would need {self.operators_to_stop} operators and lifting {self.operators_to_lift}; "
                "stopping must be at least as easy, so make operators_to_lift as large"
            )
        return self

    @model_validator(mode="after")
    def _enough_keys(self) -> LockdownConfig:
        if self.operators and len(self.operators) < self.operators_to_lift:
            raise ValueError(
                f"lifting takes {self.operators_to_lift} operators, and lockdown.operators names "
                f"{len(self.operators)}; add the others' keys"
            )
        return self

    def rules(self) -> Operators:
        """The same as a value."""
        return Operators(self.operators_to_stop, self.operators_to_lift, round(self.confirm_seconds_max * 1000))


class Archive(Section):
    """The sealed archive of the exact bytes sent."""

    directory: Resolved
    """Folder of its files; only the agent writes there."""
    recipient: Resolved
    """PEM file of the auditors' public keys, as ``ringfence audit new-key`` makes it. The agent cannot open what it
    seals to them."""
    retention_days: int = Field(ge=1, le=36_500)
    """How long records are kept, in days; whole files go, up to a day later."""
    bytes_max: int = Field(default=64 * 1024 * MIB, ge=MIB)
    """How much its files may hold, in bytes; what would be more does not leave (``archive``)."""


class QuotaConfig(Section):
    """How much may leave in any stretch of time; a send must fit into every quota that it falls under."""

    per: Per
    """Whose sends count together: ``caller``, ``department`` or ``provider``."""
    name: str = Field(default="", max_length=256)
    """The one that it holds for, as the log names it; empty for each of them."""
    window_seconds: int = Field(ge=60, le=31 * 86_400)
    """Length of the stretch, in seconds: 60 to 31 days. It slides, in sixty steps."""
    requests_max: int | None = Field(default=None, ge=0)
    """Most sends."""
    bytes_max: int | None = Field(default=None, ge=0)
    """Most bytes of request bodies."""
    cost_microcredits_max: int | None = Field(default=None, ge=0)
    """Most cost, in millionths of a credit; a send without an outcome counts with its whole estimate."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.requests_max is None and self.bytes_max is None and self.cost_microcredits_max is None:
            raise ValueError("limits nothing; write requests_max, bytes_max or cost_microcredits_max")
        return self

    def quota(self) -> Quota:
        """The same as a value."""
        return Quota(
            self.per, self.name, self.window_seconds, self.requests_max, self.bytes_max, self.cost_microcredits_max
        )


class PolicyConfig(Section):
    """The agent's own policy."""

    file: Resolved
    """Cedar policies, validated against agent/ringfence_agent/policy.cedarschema; what none of them permits stays."""


class Config(Section):
    """The whole file."""

    listen: Listen
    """Where the daemon finds the agent."""
    daemon: Daemon
    """Who may ask it to send."""
    log: Log
    """The egress log."""
    lockdown: LockdownConfig = LockdownConfig()
    """The emergency stop."""
    archive: Archive | None = None
    """Keeps the exact bytes sent, sealed to the auditors; without it no copy is kept."""
    providers: tuple[ProviderConfig, ...] = Field(min_length=1)
    """Where payloads may go."""
    classification: Classification = Classification()
    """What is looked for in every payload, and what it means; nothing of the daemon's own section is believed, and this
    one may be stricter."""
    policy: PolicyConfig | None = None
    """What may leave, on top of the built-in floor; without it, all that providers are cleared for."""
    quotas: tuple[QuotaConfig, ...] = Field(default=(), max_length=100)
    """How much may leave."""
    judging_threads: int = Field(default=2, ge=1, le=64)
    """How many payloads are scanned at the same time."""
    cache_directory: Annotated[Path | None, AfterValidator(resolved_or_none)] = None
    """Folder for the compiled recognisers; without it they are compiled at every start, in about a second."""
    drain_seconds_max: float = Field(default=10.0, ge=0, le=300)
    """How long sends in progress may take after SIGTERM, in seconds, before they are broken off. `TimeoutStopSec=` of
    the unit, 30 s as shipped, must be at least 10 s more, so that more than 20 take a drop-in; the chart gives its pod
    so much by itself (terminationGracePeriodSeconds)."""
    confine: Confine = Confine()
    """How the agent shuts itself in."""

    @field_validator("classification")
    @classmethod
    def _without_models(cls, classification: Classification) -> Classification:
        if asking := [plugin.name for plugin in classification.plugins if plugin.kind is Kind.LLM]:
            raise ValueError(
                f"plug-in {asking[0]} asks a model, and the agent has none; remove it here, and keep it in the "
                "daemon's file alone"
            )
        return classification


def load(path: Path) -> tuple[Config, str]:
    """The file's configuration and its digest (SHA-256 of the file, hex).

    Key files are looked at (mode), not read. Whether the certificates fit is found out when they are used.

    Raises:
        ConfigError: the file cannot be used.
    """
    config = configfile.load(path, Config)
    names = [provider.name for provider in config.providers]
    if len(set(names)) != len(names):
        raise ConfigError(f"{path}: two providers have the same name; give each its own")
    for provider in config.providers:
        if unknown := sorted(provider.prices.keys() - {model for model, *_ in provider.listed()}):
            raise ConfigError(
                f"{path}: provider {provider.name} has a price for {unknown[0]}, which is none of its models"
            )
    second = (config.log.signing_key_mldsa,) if config.log.signing_key_mldsa else ()
    of_providers = (secret for provider in config.providers for secret in provider.secrets())
    for secret in (config.listen.key, config.log.signing_key, *second, *of_providers):
        demand_private(secret)
    return config, hashlib.sha256(path.read_bytes()).hexdigest()


def demand_private(path: Path) -> None:
    """Refuse a secret that anyone but its owner can read.

    Raises:
        ConfigError: it can be read, or is not there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; the configuration names this file") from None
    mode = status.st_mode
    forbidden = _OTHERS_OF_ROOT if status.st_uid == 0 and os.geteuid() != 0 else _OTHERS
    if not stat.S_ISREG(mode) or mode & forbidden:
        raise ConfigError(f"{path}: mode {stat.S_IMODE(mode):04o} lets others read a secret; run chmod 0400 {path}")
