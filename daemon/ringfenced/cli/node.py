"""`ringfence status`, `ringfence models` and `ringfence wallet`: what the node says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import grpc
import typer

from ringfence.client import RingfenceCallError
from ringfence.v1.admin_pb2 import GetHealthResponse
from ringfenced.cli import settings
from ringfenced.cli.devices import devices_table
from ringfenced.cli.exits import ExitCode
from ringfenced.cli.output import Output, json_option, to_dict
from ringfenced.cli.tables import models_table, wallets_table

T = TypeVar("T")

_BARRED = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND})
"""A part that this identity may not see, or that this daemon does not have."""


def status(context: typer.Context, *, as_json: json_option = False) -> None:
    """Show health checks, models with their state, devices and the wallet.

    Parts that this identity may not see are left out, and said so. Exit code 1 when a check fails.

    Example: `ringfence --certs run/certs --as operator status`
    """
    output = Output.of(as_json=as_json)
    hidden: dict[str, str] = {}
    with settings.load(context.obj).client() as client:
        health = _part(client.health, "health", hidden)
        models = _part(client.models, "models", hidden)
        devices = _part(client.devices, "devices", hidden)
        wallet = _part(client.wallet, "wallet", hidden)
    if as_json:
        whole: dict[str, Any] = {
            "health": to_dict(health) if health else None,
            "models": [to_dict(model) for model in models] if models is not None else None,
            "devices": [to_dict(device) for device in devices] if devices is not None else None,
            "wallet": to_dict(wallet) if wallet else None,
            "hidden": hidden,
        }
        output.json(whole)
    else:
        if health:
            _show_health(output, health)
        models_table(output, models or ())
        if devices is not None:
            devices_table(output, devices)
        wallets_table(output, [wallet] if wallet else ())
        for name, reason in hidden.items():
            output.remark(f"{name} not shown: {reason}", style="yellow")
    if health and not health.ok:
        raise typer.Exit(ExitCode.FAILED)


def models(context: typer.Context, *, as_json: json_option = False) -> None:
    """List the models of this node and of the providers it may use."""
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        listed = client.models()
    if as_json:
        for model in listed:
            output.message(model)
    else:
        models_table(output, listed)


def wallet(
    context: typer.Context,
    department: Annotated[str, typer.Argument(help="Whose; your own where none is named.")] = "",
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Every department's (role: operator).")] = False,
    as_json: json_option = False,
) -> None:
    """Show credits: granted, spent, held by requests that run, and available."""
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        shown = client.wallets() if everybody else [client.wallet(department)]
    if as_json:
        for each in shown:
            output.message(each)
    else:
        wallets_table(output, shown)


def _part(read: Callable[[], T], name: str, hidden: dict[str, str]) -> T | None:
    """One part of the status; None and a reason in `hidden` where this identity may not see it."""
    try:
        return read()
    except RingfenceCallError as error:
        if error.code not in _BARRED:
            raise
        hidden[name] = error.message
        return None


def _show_health(output: Output, health: GetHealthResponse) -> None:
    """The node and its checks."""
    output.line(
        f"{health.node or 'node'}  ringfence {health.version}  up since {health.started_at.ToJsonString()}  "
        f"{health.requests_running} requests running"
    )
    rows = [("ok" if check.ok else "FAILED", check.name, check.message) for check in health.checks]
    output.table("checks", ("", "check", "what to do, or to know"), rows)
