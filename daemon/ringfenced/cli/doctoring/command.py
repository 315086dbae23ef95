"""`ringfence doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfenced.cli.doctoring.finding import Finding, State
from ringfenced.cli.doctoring.units import AGENT, DAEMON
from ringfenced.cli.exits import ExitCode
from ringfenced.cli.output import Output, json_option

CONFIG: Final = Path("/etc/ringfence/ringfenced.toml")
AGENT_CONFIG: Final = Path("/etc/ringfence/ringfence-agent.toml")
_STYLES: Final = {State.OK: "ok", State.WARNING: "warning", State.ERROR: "ERROR"}


def doctor(
    context: typer.Context,
    *,
    config: Annotated[Path, typer.Option(metavar="FILE", help="The daemon's configuration.")] = CONFIG,
    agent_config: Annotated[Path, typer.Option(metavar="FILE", help="The agent's configuration.")] = AGENT_CONFIG,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte of every model.")] = False,
    reach: Annotated[
        bool, typer.Option("--reach", help="Connect to each provider as the agent would, and send nothing.")
    ] = False,
    as_json: json_option = False,
) -> None:
    """Check this node, and what its daemon says of the site; say what to do about each.

    Looks at certificates, keys and permissions, clock, egress log and witness, disks, GPU driver, models, policy,
    providers, core dumps, swap, the walls that systemd keeps, and what each process said of its own. Run it as root,
    with an identity whose roles are operator and auditor; what it may not see is a warning. Where only one of daemon
    and agent is switched on, the other's file is not looked at, unless it is named. Changes nothing. Exit code 1 where
    something is an error.

    Example: `ringfence --certs run/certs --as operator doctor --config ringfenced.toml`
    """
    from ringfenced.cli.doctoring.examine import findings  # noqa: PLC0415 - reading configurations takes long to load

    output = Output.of(as_json=as_json)
    given = ((DAEMON, config, CONFIG), (AGENT, agent_config, AGENT_CONFIG))
    named = frozenset(unit for unit, path, usual in given if path != usual)
    found: list[Finding] = []
    try:
        for each in findings(context.obj, config, agent_config, named=named, deep=deep, reach=reach):
            found.append(each)
            if as_json:
                output.json({"check": each.check, "state": each.state, "told": each.told, "advice": each.advice})
    finally:  # what was seen is told whatever ends this, an operator who waits no longer for example
        if not as_json:
            _show(output, found)
    if any(each.state is State.ERROR for each in found):
        raise typer.Exit(ExitCode.FAILED)


def _show(output: Output, found: Sequence[Finding]) -> None:
    rows = [(_STYLES[each.state], each.check, each.told, each.advice) for each in found]
    output.table("", ("", "check", "what was seen", "what to do"), rows)
    counts = {state: sum(each.state is state for each in found) for state in State}
    output.line(f"{counts[State.ERROR]} errors, {counts[State.WARNING]} warnings, {counts[State.OK]} ok")
