"""The gRPC servers: one behind mTLS with every service, and a plain one for probes with nothing but health."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from ringfence import tls
from ringfence.demand import Demand
from ringfence.renewal import Certificates
from ringfence.v1 import admin_pb2, admin_pb2_grpc, audit_pb2, audit_pb2_grpc, inference_pb2, inference_pb2_grpc
from ringfenced.api.admin import (
    LockdownService,
    Node,
    Stop,
    WalletsService,
)
from ringfenced.api.audit import AuditService, Log
from ringfenced.api.call import Door, refuse_handshake
from ringfenced.api.decode import Limits
from ringfenced.api.inference import InferenceService
from ringfenced.api.keys import Keys, KeysService
from ringfenced.api.lasting import Lasting
from ringfenced.api.models import Hosting, ModelsService
from ringfenced.api.nodes import Devices, NodesService
from ringfenced.api.policy import Policies, PolicyService
from ringfenced.api.routing import RoutingService, Teaching
from ringfenced.flow import Flow
from ringfenced.nouns import Directory, Ledger

_LOG = logging.getLogger("ringfenced.api")


@dataclass(frozen=True, slots=True)
class Served:
    """What the services stand on."""

    flow: Flow
    directory: Directory
    ledger: Ledger
    node: Node
    devices: Devices
    log: Log
    stop: Stop
    pseudonym: Callable[[str], str]
    departments: Callable[[], tuple[str, ...]]
    limits: Limits
    keys: Keys
    hosting: Hosting
    policies: Policies
    teaching: Teaching


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server listens."""

    tcp: str
    """``host:port``; empty for none."""
    unix: Path | None
    """A unix socket's path; None for none."""
    health: str
    """``host:port`` of the plain port for probes; empty for none."""
    certificates: Certificates
    """Our certificates; renewed while we serve."""
    key_exchange_groups: frozenset[str]
    """What a handshake may settle on."""
    message_bytes_max: int
    """Largest request, in bytes."""
    calls_max: int
    """Most calls at the same time."""
    is_shared: bool
    """Several processes listen on one TCP port (SO_REUSEPORT)."""
    drain_s: float
    """How long running requests may go on after the server is told to stop, in seconds."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Where the server really listens."""

    tcp_port: int | None
    health_port: int | None


@asynccontextmanager
async def serving(served: Served, endpoint: Endpoint) -> AsyncIterator[Bound]:
    """Serve until the context is left; then running requests get `endpoint.drain_s` to end.

    Raises:
        OSError: an address cannot be bound.
    """
    lasting = Lasting()
    server = grpc.aio.server(
        options=tls.server_options(endpoint.message_bytes_max, is_shared=endpoint.is_shared),
        maximum_concurrent_rpcs=endpoint.calls_max,
        interceptors=(
            Demand(endpoint.key_exchange_groups, "listen.key_exchange_groups", met=_tell_peer, refuse=refuse_handshake),
            lasting,
        ),
    )
    probes = health.aio.HealthServicer()  # type: ignore[attr-defined]  # untyped: mypy does not see the alias
    _add_services(server, served)
    health_pb2_grpc.add_HealthServicer_to_server(probes, server)
    tcp_port = None
    if endpoint.tcp:
        secured = tls.server_credentials(endpoint.certificates)
        tcp_port = _bind(endpoint.tcp, lambda: server.add_secure_port(endpoint.tcp, secured))
    if endpoint.unix is not None:
        _bind_unix(server, endpoint.unix, tls.server_credentials(endpoint.certificates))
    plain = grpc.aio.server(options=(("grpc.so_reuseport", 0),)) if endpoint.health else None
    health_port = None
    if plain is not None:
        health_pb2_grpc.add_HealthServicer_to_server(probes, plain)
        health_port = _bind(endpoint.health, lambda: plain.add_insecure_port(endpoint.health))
        await plain.start()
    await server.start()
    await probes.set("", health_pb2.HealthCheckResponse.SERVING)
    try:
        yield Bound(tcp_port, health_port)
    finally:
        await probes.enter_graceful_shutdown()
        lasting.end()
        await server.stop(endpoint.drain_s)
        if plain is not None:
            await plain.stop(None)


def _add_services(server: grpc.aio.Server, served: Served) -> None:
    door = Door(lambda: served.directory.callers, served.policies)
    inference_pb2_grpc.add_InferenceServicer_to_server(
        InferenceService(served.flow, served.directory, door, served.limits, served.teaching), server
    )
    admin_pb2_grpc.add_ModelsServicer_to_server(ModelsService(served.node, served.hosting, door), server)
    admin_pb2_grpc.add_NodesServicer_to_server(
        NodesService(served.node, served.devices, door, served.flow.running), server
    )
    admin_pb2_grpc.add_WalletsServicer_to_server(
        WalletsService(served.ledger, served.flow, door, served.departments), server
    )
    admin_pb2_grpc.add_PolicyServicer_to_server(PolicyService(served.policies, served.directory, door), server)
    admin_pb2_grpc.add_LockdownServicer_to_server(LockdownService(served.stop, door, served.pseudonym), server)
    admin_pb2_grpc.add_KeysServicer_to_server(KeysService(served.keys, door, served.pseudonym), server)
    admin_pb2_grpc.add_RoutingServicer_to_server(RoutingService(served.teaching, door), server)
    audit_pb2_grpc.add_AuditServicer_to_server(AuditService(served.log, door, served.pseudonym), server)
    names = [
        service.full_name
        for file in (inference_pb2.DESCRIPTOR, admin_pb2.DESCRIPTOR, audit_pb2.DESCRIPTOR)
        for service in file.services_by_name.values()
    ]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)


def _tell_peer(peer: tls.Peer) -> None:
    """One line for each certificate, version and group that was not seen before."""
    fields = {
        "identity": peer.identity,
        "tls": peer.tls_version,
        "key_exchange": peer.key_exchange_group,
        "certificate": peer.certificate_sha256,
    }
    _LOG.info("peer", extra={"fields": fields})


def _bind(address: str, add: Callable[[], int]) -> int:
    """The port that was bound.

    Raises:
        OSError: the address is taken, or is not ours.
    """
    try:
        return add()
    except RuntimeError:
        raise OSError(f"cannot listen on {address}; is it taken, or not an address of this machine?") from None


def _bind_unix(server: grpc.aio.Server, path: Path, credentials: grpc.ServerCredentials) -> None:
    path.unlink(missing_ok=True)
    _bind(str(path), lambda: server.add_secure_port(f"unix:{path}", credentials))
