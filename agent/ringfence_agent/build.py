"""Wires the agent from its configuration; the only place that knows all its parts."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import grpc.aio
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from grpc_health.v1 import health, health_pb2_grpc
from structlog.typing import FilteringBoundLogger

from ringfence import recognize, sealkeys, tls
from ringfence.configfile import ConfigError
from ringfence.cosignature import read_vkey
from ringfence.demand import Demand
from ringfence.recognize.custom import CustomError
from ringfence.recognize.plugins import PluginUnavailable
from ringfence.recognize.site import load_site
from ringfence.renewal import CertificateError, Certificates, Identity
from ringfence.v1 import egress_pb2_grpc
from ringfence_agent.archive import Archive, ArchiveSettings, NoArchive, SealedArchive
from ringfence_agent.config import Config, ProviderConfig, demand_private
from ringfence_agent.cosigned import Cosigned
from ringfence_agent.entry import Kind
from ringfence_agent.folds import Fold
from ringfence_agent.gate import Destination, Rules
from ringfence_agent.journal import Journal
from ringfence_agent.lockdown import Lockdown, Signers
from ringfence_agent.lockdown_file import LockdownFile
from ringfence_agent.policy import EVERYTHING, Policy, PolicyError, Resource
from ringfence_agent.providers import Provider
from ringfence_agent.providers.door import DoorSettings
from ringfence_agent.providers.make import make
from ringfence_agent.quotas import Quotas
from ringfence_agent.release import Release
from ringfence_agent.service import EgressService
from ringfence_agent.told import Told

_SALT_BYTES: Final = 32
_SOCKET_MODE: Final = 0o660
_DAY_MS: Final = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that can be made without opening the log or listening."""

    signing_key: Ed25519PrivateKey
    """Signs checkpoints."""
    second_key: MLDSA44PrivateKey | None
    """Signs those on disk and for witnesses too; None where none is configured."""
    providers: Mapping[str, Provider]
    """By name."""
    rules: Rules
    """What the gate judges by."""
    operator_keys: Mapping[str, Ed25519PublicKey]
    """Whose signatures lift a lockdown, by operator; none where none is asked for."""
    recogniser_version: str
    """Names the patterns that the agent scans with."""
    policy_digest: str
    """SHA-256 of what findings mean to the agent, own files included, hex."""
    recipient: MLKEM768X25519PublicKey | None
    """Whom the archive is sealed to; None without one."""
    rules_digest: str
    """SHA-256 of the agent's Cedar policy and its schema, hex."""


def prepare(config: Config) -> Parts:
    """Read every key and certificate; compile the recogniser.

    Raises:
        ConfigError: one of them is not what it should be.
    """
    signing_key = _private_key(config.log.signing_key)
    permit_keys = {key_id: _public_key(path) for key_id, path in config.daemon.permit_keys.items()}
    _certificates(config.listen.identity(), lambda _why: None)
    providers = {provider.name: _provider(provider) for provider in config.providers}
    site = config.classification
    try:
        recogniser = load_site(config.cache_directory, site.policy(), site.custom(), site.others())
    except (CustomError, PluginUnavailable) as error:
        raise ConfigError(str(error)) from error
    policy = _policy(config)
    return Parts(
        signing_key=signing_key,
        second_key=_second_key(config.log.signing_key_mldsa),
        providers=providers,
        rules=Rules(
            permit_keys=permit_keys,
            destinations=_destinations(config, providers),
            residual=partial(recognize.residual, recogniser.scan),
            label_of=recogniser.policy.label_of,
            policy=policy.ruling,
            pictures=recogniser.policy.pictures,
        ),
        operator_keys={name: _public_key(path) for name, path in config.lockdown.operators.items()},
        recogniser_version=recogniser.version,
        recipient=_recipient(config.archive.recipient) if config.archive else None,
        policy_digest=config.classification.digest(),
        rules_digest=policy.digest,
    )


@asynccontextmanager
async def running(config: Config, digest: str, parts: Parts, log: FilteringBoundLogger) -> AsyncIterator[int]:
    """The agent, listening, for as long as the context is open; sends in progress may end when it closes.

    Gives the TCP port; 0 on a unix socket.

    Raises:
        ConfigError: the address cannot be listened on, or the salts' key is not there and cannot be made.
        LogError: the log cannot be opened; see `ringfence_agent.journal`.
    """
    salt_key = _salt_key(config.log.salt_key)
    threads = ThreadPoolExecutor(config.judging_threads, "judge")
    told = Told(log)
    credentials = tls.server_credentials(_certificates(config.listen.identity(), told.certificates))
    demand = Demand(config.listen.key_exchange_groups, "listen.key_exchange_groups", met=told.met)
    server = grpc.aio.server(
        options=tls.server_options(config.listen.message_bytes_max),
        maximum_concurrent_rpcs=config.listen.calls_max,
        interceptors=(demand,),
    )
    try:
        port = _listen(server, config.listen.address, credentials)
        quotas = Quotas(one.quota() for one in config.quotas)
        cosigned = _cosigned(config, parts)
        journal = _journal(config, parts.signing_key, {"quotas": quotas}, cosigned.own, log)
        lockdown = Lockdown(
            LockdownFile(config.log.directory),
            config.lockdown.rules(),
            partial(journal.append, Kind.LOCKDOWN),
            journal.now_unix_ms,
            Signers(config.log.origin, parts.operator_keys),
        )
        archive = _archive(config, parts.recipient, journal, log)
        provenance = {
            "config_sha256": digest,
            "policy_sha256": parts.policy_digest,
            "recogniser": parts.recogniser_version,
            "rules_sha256": parts.rules_digest,
        }
        release = Release(
            journal,
            parts.rules,
            parts.providers,
            lockdown,
            quotas,
            archive=archive,
            threads=threads,
            steady_unix_ms=_steady(journal.now_unix_ms()),
            salt_key=salt_key,
            provenance=provenance,
        )
        daemons = frozenset(config.daemon.identities)
        service = EgressService(
            release, journal, parts.rules.destinations, lockdown, cosigned, daemons=daemons, log=log
        )
        egress_pb2_grpc.add_EgressServicer_to_server(service, server)
        checks = health.aio.HealthServicer()  # type: ignore[attr-defined]  # it is, and documented
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)  # type: ignore[no-untyped-call]  # untyped package
        probes = grpc.aio.server() if config.listen.health else None
        if probes is not None:
            health_pb2_grpc.add_HealthServicer_to_server(checks, probes)  # type: ignore[no-untyped-call]  # likewise
            _listen_plainly(probes, config.listen.health)
        async with asyncio.TaskGroup() as group:
            group.create_task(journal.run())
            watching = group.create_task(lockdown.run())
            tending = group.create_task(archive.tend())
            try:
                journal.resume({**provenance, "agent": _version(), "lockdown": int(lockdown.on)})
                await server.start()
                if probes is not None:
                    await probes.start()
                log.info("listening", address=config.listen.address, port=port, entries=journal.size)
                yield port
            finally:
                await server.stop(config.drain_seconds_max)
                if probes is not None:
                    await probes.stop(None)
                watching.cancel()
                tending.cancel()
                archive.close()
                journal.stop()
    finally:
        await server.stop(None)
        threads.shutdown(wait=False, cancel_futures=True)
        for provider in parts.providers.values():
            await provider.aclose()


def _certificates(files: Identity, told: Callable[[str], None]) -> Certificates:
    """The server's certificates, renewed while it runs."""
    try:
        return Certificates(files, told)
    except CertificateError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; the configuration names this file") from None


def _listen_plainly(server: grpc.aio.Server, address: str) -> None:
    """Bind the server for probes, which tells nothing but health and asks for no certificate."""
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise ConfigError(f"listen.health: cannot listen on {address}; see that it is free") from None


def _listen(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials) -> int:
    """Bind the server; its TCP port, 0 on a unix socket."""
    socket = address.removeprefix("unix:")
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError:
        text = f"listen.address: cannot listen on {address}; see that it is free and that its folder exists"
        raise ConfigError(text) from None
    if socket == address:
        return port
    Path(socket).chmod(_SOCKET_MODE)
    return 0


def _provider(config: ProviderConfig) -> Provider:
    """One provider."""
    api_key = _read(config.api_key_file).decode("ascii", "replace").strip()
    if not api_key or not api_key.isascii() or not api_key.isprintable():
        raise ConfigError(f"{config.api_key_file}: not an API key; write the key and nothing else")
    try:
        settings = DoorSettings(
            url=config.base_url,
            authority=config.authority,
            response_bytes_max=config.response_bytes_max,
            connect_seconds_max=config.connect_seconds_max,
            connections_max=config.connections_max,
            allow_private_addresses=config.allow_private_addresses,
        )
        return make(config, settings, lambda: api_key)
    except (OSError, ssl.SSLError):
        raise ConfigError(f"{config.authority}: no PEM certificates; write those of the provider's authority") from None


def _journal(
    config: Config,
    key: Ed25519PrivateKey,
    folds: Mapping[str, Fold],
    own: Callable[[str], str],
    log: FilteringBoundLogger,
) -> Journal:
    """The log; LogError where it cannot be opened. Says in the agent's own log how far old entries were compared."""
    return Journal(
        config.log.directory,
        config.log.origin,
        key,
        _unix_ms,
        folds,
        own=own,
        checked=lambda done, of: log.info("log_checked", entries=done, of=of),
    )


def _archive(
    config: Config, recipient: MLKEM768X25519PublicKey | None, journal: Journal, log: FilteringBoundLogger
) -> Archive:
    """The sealed archive, or none."""
    if config.archive is None or recipient is None:
        return NoArchive()
    settings = ArchiveSettings(
        directory=config.archive.directory,
        origin=config.log.origin,
        recipient=recipient,
        retention_ms=config.archive.retention_days * _DAY_MS,
        bytes_max=config.archive.bytes_max,
    )
    try:
        return SealedArchive(settings, journal.read, journal.now_unix_ms, log)
    except BlockingIOError:
        text = f"{settings.directory}: another agent writes this archive; end it, or give each its own folder"
        raise ConfigError(text) from None
    except OSError as error:
        raise ConfigError(f"{settings.directory}: {error.strerror}; archive.directory names this folder") from None


def _recipient(path: Path) -> MLKEM768X25519PublicKey:
    """The auditors' public keys."""
    try:
        return sealkeys.load_public(_read(path))
    except sealkeys.SealKeyError as error:
        raise ConfigError(f"{path}: {error}; auditors make it: ringfence audit new-key auditors") from None


def _destinations(config: Config, providers: Mapping[str, Provider]) -> dict[tuple[str, str], Destination]:
    """Every model of every provider."""
    return {
        (provider.name, model): Destination(
            provider=provider.name,
            model=model,
            wire_model=wire_model,
            region=provider.region,
            contract=provider.contract,
            clearance=provider.clearance.label(),
            body_bytes_max=provider.request_bytes_max,
            seconds_max=provider.response_seconds_max,
            encode=partial(providers[provider.name].encode, wire_model=wire_model),
            price=provider.prices[model].price() if model in provider.prices else None,
            task=task,
        )
        for provider in config.providers
        for model, wire_model, task in provider.listed()
    }


def _policy(config: Config) -> Policy:
    """The agent's Cedar policy."""
    models = [
        Resource(one.name, model, task, one.region, one.contract, one.clearance.label())
        for one in config.providers
        for model, _, task in one.listed()
    ]
    if config.policy is None:
        return Policy(EVERYTHING, models)
    file = config.policy.file
    try:
        return Policy(_read(file).decode(), models)
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8; save it as UTF-8") from None
    except PolicyError as error:
        raise ConfigError(f"{file}: {error}") from None


def _steady(unix_ms: int) -> Callable[[], int]:
    """A clock that begins at `unix_ms` and that no jump of the machine's moves."""
    began_ns = time.monotonic_ns()
    return lambda: unix_ms + (time.monotonic_ns() - began_ns) // 1_000_000


def _salt_key(path: Path) -> bytes:
    """The key of the salts, made where it is missing."""
    if not path.exists():
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:  # noqa: PTH123 - mode
                file.write(os.urandom(_SALT_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; make it: head -c 32 /dev/urandom > {path}") from None
    demand_private(path)
    key = _read(path)
    if len(key) != _SALT_BYTES:
        raise ConfigError(f"{path}: not {_SALT_BYTES} bytes; make it: head -c 32 /dev/urandom > {path}")
    return key


def _private_key(path: Path) -> Ed25519PrivateKey:
    """An Ed25519 key."""
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: no Ed25519 private key; make one: openssl genpkey -algorithm ed25519 -out {path}")
    return key


def _second_key(path: Path | None) -> MLDSA44PrivateKey | None:
    """An ML-DSA-44 key."""
    if path is None:
        return None
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, MLDSA44PrivateKey):
        raise ConfigError(
            f"{path}: no ML-DSA-44 private key; make one: openssl genpkey -algorithm ML-DSA-44 -out {path}"
        )
    return key


def _cosigned(config: Config, parts: Parts) -> Cosigned:
    """What stands under checkpoints."""
    return Cosigned(
        config.log.directory,
        config.log.origin,
        parts.signing_key.public_key(),
        second_key=parts.second_key,
        witnesses=[read_vkey(vkey) for vkey in config.log.witnesses],
    )


def _public_key(path: Path) -> Ed25519PublicKey:
    """An Ed25519 key's public half."""
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path}: no Ed25519 public key; make one: openssl pkey -in KEY -pubout -out {path}")
    return key


def _read(path: Path) -> bytes:
    """A file's content."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; the configuration names this file") from None


def _unix_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def _version() -> str:
    """What this agent is."""
    try:
        return version("ringfence")
    except PackageNotFoundError:
        return "unknown"
