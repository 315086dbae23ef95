"""`ringfence lockdown`: stop everything that leaves, allow it again, and see who said so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfence.v1.admin_pb2 import LockdownState, SetLockdownRequest
from ringfenced.cli import settings
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.lifting import put_word, time_of
from ringfenced.cli.output import Output, json_option

lockdown = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

_BY_HAND: Final = "somebody on the agent's host, by hand"

reason_option = Annotated[str, typer.Option("--reason", help="Why; stands in the egress log.")]


@lockdown.callback()
def lockdown_group() -> None:
    """Stop everything that leaves the site, and allow it again. Local work goes on."""


@lockdown.command()
def on(context: typer.Context, *, reason: reason_option, as_json: json_option = False) -> None:
    """Stop all egress, within a second; what is on its way is broken off. Role: operator.

    It survives restarts of daemon and agent. Where the agent's file asks for several operators, the order waits for the
    others, and the exit code is 1 until it holds.

    Example: `ringfence --certs run/certs --as operator lockdown on --reason "ticket 4711"`
    """
    with settings.load(context.obj).client() as client:
        state = client.set_lockdown(SetLockdownRequest(on=True, reason=reason))
    _show(Output.of(as_json=as_json), state)
    if not state.on:
        raise typer.Exit(ExitCode.FAILED)


@lockdown.command()
def off(
    context: typer.Context,
    *,
    reason: reason_option,
    operator: Annotated[str, typer.Option(help="Your name in the agent's lockdown.operators.")] = "",
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Your Ed25519 private key, PEM; to sign.")] = None,
    as_json: json_option = False,
) -> None:
    """Allow egress again. Role: operator.

    Where the agent's file asks for several operators, the order waits for the others, and the exit code is 1 until it
    holds. Where it names operators' keys, each signs: --operator and --key. The key does not leave this machine.
    """
    if bool(operator) != (key is not None):
        raise Failure("signing takes both --operator and --key", code=ExitCode.USAGE)
    order = SetLockdownRequest(on=False, reason=reason)
    with settings.load(context.obj).client() as client:
        if key is not None:
            put_word(order, client.lockdown(), operator, key, time.time_ns() // 1_000_000)
        state = client.set_lockdown(order)
    _show(Output.of(as_json=as_json), state)
    if state.on:
        raise typer.Exit(ExitCode.FAILED)


@lockdown.command()
def status(context: typer.Context, *, as_json: json_option = False) -> None:
    """Show what holds, since when and by whose order, and what waits for whom. Role: operator or auditor."""
    with settings.load(context.obj).client() as client:
        _show(Output.of(as_json=as_json), client.lockdown())


def _show(output: Output, state: LockdownState) -> None:
    """The emergency stop, in lines."""
    if output.as_json:
        output.message(state)
        return
    if state.on:
        since = f" since {time_of(state.since)}" if state.HasField("since") else ""
        output.line(f"lockdown: nothing leaves{since}", style="bold red")
        output.line(f"  why  {state.reason or '-'}")
        output.line(f"  who  {', '.join(state.by) or _BY_HAND}")
    else:
        output.line("egress is allowed", style="green")
    if state.confirmations_missing:
        what = "egress is allowed again" if state.on else "egress is stopped"
        output.line(
            f"waiting: {what} once {state.confirmations_missing} more of the operators order it"
            f" before {time_of(state.waiting_until)}; so far {', '.join(state.waiting_by)}",
            style="yellow",
        )
