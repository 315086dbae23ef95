"""What the daemon answers: its checks, devices, providers, and the egress log as it sees it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import grpc

from ringfence.client import Client, RingfenceCallError
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import types_pb2 as types
from ringfenced.cli import settings
from ringfenced.cli.doctoring.clock import time_ms
from ringfenced.cli.doctoring.site import CheckFacts, DaemonFacts, ProviderFacts
from ringfenced.cli.exits import Failure
from ringfenced.cli.logfiles import size_of

T = TypeVar("T")

_BARRED: Final = frozenset(
    {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND}
)
"""This identity may not, or this daemon has none of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the daemon told."""

    daemon: DaemonFacts
    """Of itself, of devices and providers."""
    checkpoint: str | None = None
    """The newest of the egress log."""
    witnessed: str | None = None
    """The newest that it witnessed."""
    log_unix_ms: int | None = None
    """The time of the log's newest entry."""


def ask(options: Mapping[str, str]) -> Told:
    """Ask the daemon that options, environment and file name; whatever comes of it is a fact, too."""
    try:
        with settings.load(options).client() as client:
            return _told(client)
    except Failure as failure:
        advice = "name whom to ask and who asks (`ringfence --help`): an identity with the roles operator and auditor"
        return Told(DaemonFacts(problem=f"not asked: {failure.message}", advice=advice))
    except RingfenceCallError as error:
        advice = "see `systemctl status ringfenced` and its log; see that --target, --ca and --server-name are right"
        return Told(DaemonFacts(problem=error.message or error.code.name, advice=advice, is_away=True))


def _told(client: Client) -> Told:
    models = client.models()  # any role may: whoever is away or takes no such certificate says so here
    health, devices, lockdown = _shown(client.health), _shown(client.devices), _shown(client.lockdown)
    checkpoint = _shown(client.checkpoint)
    facts = DaemonFacts(
        version=health.version if health is not None else "(version not shown)",
        checks=None
        if health is None
        else tuple(CheckFacts(each.name, each.ok, each.message) for each in health.checks),
        gpus=None if devices is None else sum(each.kind == "gpu" and not each.excluded_reason for each in devices),
        providers=_providers(models),
        lockdown=None if lockdown is None else (lockdown.reason or "no reason given") if lockdown.on else "",
    )
    if checkpoint is None:
        return Told(facts)
    newest_ms = _newest_ms(client, checkpoint.checkpoint)
    return Told(facts, checkpoint.checkpoint, checkpoint.witnessed_checkpoint or None, newest_ms)


def _shown(read: Callable[[], T]) -> T | None:
    """An answer; None where this identity may not have it, or where what it is about is away: the checks say so."""
    try:
        return read()
    except RingfenceCallError as error:
        if error.code in _BARRED or error.code is grpc.StatusCode.UNAVAILABLE:
            return None
        raise


def _providers(models: list[admin.Model]) -> tuple[ProviderFacts, ...]:
    """Every provider's model, by the name that callers use."""
    remote = (each for each in models if each.kind == types.TARGET_KIND_PROVIDER)
    return tuple(ProviderFacts(each.name, _problem(each)) for each in remote)


def _problem(model: admin.Model) -> str:
    if model.failure or model.state == admin.MODEL_STATE_FAILED:
        return model.failure or "closed"
    return "; ".join(model.closed)


def _newest_ms(client: Client, checkpoint: str) -> int | None:
    """The time of the last entry that a checkpoint covers."""
    try:
        size = size_of(checkpoint)
        proof = _shown(lambda: client.entry(size - 1)) if size else None
        said = json.loads(proof.entry).get("time_unix_ms") if proof is not None else None
    except (Failure, ValueError, AttributeError, RecursionError):
        return None
    return time_ms(said)
