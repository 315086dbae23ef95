"""Wires the agent from its configuration; the only place that knows all its parts."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from grpc_health.v1 import health, health_pb2_grpc
from structlog.typing import FilteringBoundLogger

from ringfence import tls
from ringfence.configfile import ConfigError
from ringfence.cosignature import read_vkey
from ringfence.demand import Demand
from ringfence.v1 import egress_pb2_grpc
from ringfence.watchdog import STILL, Pulse
from ringfence_agent import keyfiles
from ringfence_agent.archive import Archive, ArchiveSettings, NoArchive, SealedArchive
from ringfence_agent.config import Config
from ringfence_agent.cosigned import Cosigned
from ringfence_agent.entry import Kind
from ringfence_agent.folds import Fold
from ringfence_agent.gate import Destination
from ringfence_agent.journal import Journal
from ringfence_agent.keyring import KeyRing
from ringfence_agent.lockdown import Lockdown, Signers
from ringfence_agent.lockdown_file import LockdownFile
from ringfence_agent.prepare import Parts, certificates, prepare
from ringfence_agent.providers.rates import Spent
from ringfence_agent.quotas import Quotas
from ringfence_agent.release import Release
from ringfence_agent.service import EgressService
from ringfence_agent.told import Told

__all__ = ["Parts", "prepare", "running"]

_SOCKET_MODE: Final = 0o660
_DAY_MS: Final = 24 * 3600 * 1000


@asynccontextmanager
async def running(
    config: Config, digest: str, parts: Parts, log: FilteringBoundLogger, pulse: Pulse = STILL
) -> AsyncIterator[int]:
    """The agent, listening, for as long as the context is open; sends in progress may end when it closes.

    Gives the TCP port; 0 on a unix socket.

    Raises:
        ConfigError: the address cannot be listened on, or the salts' key is not there and cannot be made.
        LogError: the log cannot be opened; see `ringfence_agent.journal`.
    """
    salt_key = keyfiles.salt_key(config.log.salt_key)
    threads = ThreadPoolExecutor(config.judging_threads, "judge")
    told = Told(log)
    credentials = tls.server_credentials(certificates(config.listen.identity(), told.certificates))
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
            steady_unix_ms=(steady := _steady(journal.now_unix_ms())),
            salt_key=salt_key,
            provenance=provenance,
        )
        daemons = frozenset(config.daemon.identities)
        service = EgressService(
            release,
            journal,
            lockdown,
            destinations=parts.rules.destinations,
            cosigned=cosigned,
            keyring=KeyRing(parts.keys, journal, salt_key),
            is_resting=lambda name: parts.providers[name].is_resting,
            spent=partial(_spent, parts, quotas, steady),
            daemons=daemons,
            log=log,
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
            is_well = partial(_writable, journal, config.log.directory)
            lasting = [group.create_task(each) for each in (lockdown.run(), archive.tend(), pulse.beat(is_well))]
            try:
                journal.resume({**provenance, "agent": _version(), "lockdown": int(lockdown.on)})
                await server.start()
                if probes is not None:
                    await probes.start()
                log.info("listening", address=config.listen.address, port=port, entries=journal.size)
                yield port
            finally:
                journal.dismiss()
                await server.stop(config.drain_seconds_max)
                if probes is not None:
                    await probes.stop(None)
                for task in lasting:
                    task.cancel()
                archive.close()
                journal.stop()
    finally:
        await server.stop(None)
        threads.shutdown(wait=False, cancel_futures=True)
        for provider in parts.providers.values():
            await provider.aclose()


async def _writable(journal: Journal, folder: Path) -> str:
    """Why nothing can be written down, so that nothing leaves; nothing where it can. A failed log takes a restart."""
    if journal.failure:
        return f"the log: {journal.failure}"
    may_write = await asyncio.to_thread(os.access, folder, os.W_OK)  # says so for a disk that was set to read-only, too
    return "" if may_write else f"{folder} cannot be written"


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


def _steady(unix_ms: int) -> Callable[[], int]:
    """A clock that begins at `unix_ms` and that no jump of the machine's moves."""
    began_ns = time.monotonic_ns()
    return lambda: unix_ms + (time.monotonic_ns() - began_ns) // 1_000_000


def _cosigned(config: Config, parts: Parts) -> Cosigned:
    """What stands under checkpoints."""
    return Cosigned(
        config.log.directory,
        config.log.origin,
        parts.signing_key.public_key(),
        second_key=parts.second_key,
        witnesses=[read_vkey(vkey) for vkey in config.log.witnesses],
    )


def _spent(parts: Parts, quotas: Quotas, unix_ms: Callable[[], int], one: Destination) -> Spent | None:
    """What of a model's rate, or of the agent's quota for its provider, is spent now."""
    if wait_ms := quotas.wait_ms(one.provider, unix_ms()):
        return Spent("quota", wait_ms)
    return parts.providers[one.provider].spent(one.wire_model)


def _unix_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def _version() -> str:
    """What this agent is."""
    try:
        return version("ringfence")
    except PackageNotFoundError:
        return "unknown"
