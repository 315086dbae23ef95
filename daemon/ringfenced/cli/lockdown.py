"""`ringfence lockdown`: stop everything that leaves, allow it again, and see who said so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from ringfence.v1.admin_pb2 import LockdownState
from ringfenced.cli import settings
from ringfenced.cli.exits import ExitCode
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
    _order(context, reason, is_on=True, as_json=as_json)


@lockdown.command()
def off(context: typer.Context, *, reason: reason_option, as_json: json_option = False) -> None:
    """Allow egress again. Role: operator.

    Where the agent's file asks for several operators, the order waits for the others, and the exit code is 1 until it
    holds.
    """
    _order(context, reason, is_on=False, as_json=as_json)


@lockdown.command()
def status(context: typer.Context, *, as_json: json_option = False) -> None:
    """Show what holds, since when and by whose order, and what waits for whom. Role: operator or auditor."""
    with settings.load(context.obj).client() as client:
        _show(Output.of(as_json=as_json), client.lockdown())


def _order(context: typer.Context, reason: str, *, is_on: bool, as_json: bool) -> None:
    """Give an order, and show what stands afterwards."""
    with settings.load(context.obj).client() as client:
        state = client.set_lockdown(reason, on=is_on)
    _show(Output.of(as_json=as_json), state)
    if state.on != is_on:
        raise typer.Exit(ExitCode.FAILED)


def _show(output: Output, state: LockdownState) -> None:
    """The emergency stop, in lines."""
    if output.as_json:
        output.message(state)
        return
    if state.on:
        since = f" since {_time(state.since)}" if state.HasField("since") else ""
        output.line(f"lockdown: nothing leaves{since}", style="bold red")
        output.line(f"  why  {state.reason or '-'}")
        output.line(f"  who  {', '.join(state.by) or _BY_HAND}")
    else:
        output.line("egress is allowed", style="green")
    if state.confirmations_missing:
        what = "egress is allowed again" if state.on else "egress is stopped"
        output.line(
            f"waiting: {what} once {state.confirmations_missing} more of the operators order it"
            f" before {_time(state.waiting_until)}; so far {', '.join(state.waiting_by)}",
            style="yellow",
        )


def _time(at: Timestamp) -> str:
    """A time as people write it."""
    return datetime.fromtimestamp(at.seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
