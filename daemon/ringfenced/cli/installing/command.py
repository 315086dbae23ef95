"""`ringfence install` and `ringfence uninstall`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ringfenced.cli.exits import ExitCode
from ringfenced.cli.installing.doing import NEXT, QUESTION, Installation, Removal, Row
from ringfenced.cli.output import Output, json_option

root_option = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="DIR",
        help="Of this folder instead of this machine, as a packager wants; nothing is started or stopped.",
    ),
]
dry_option = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def install(
    *,
    root: root_option = None,
    dry_run: dry_option = False,
    links: Annotated[
        bool | None,
        typer.Option(help="Links in /usr/bin to the programs beside this Python; on by default without --root."),
    ] = None,
    as_json: json_option = False,
) -> None:
    """Put units, users, folders and templates of the configuration where systemd looks for them.

    May be run again, after an upgrade for example: files of the package are brought up to date, and a configuration
    that somebody edited is never written over; where its template has changed, the new one is laid beside it as
    NAME.new. Nothing is enabled or started.

    Example: `ringfence install --dry-run`
    """
    output = Output.of(as_json=as_json)
    planned = Installation(root, links=links)
    _tell(output, planned.rows())
    if planned.doubt():
        output.remark(planned.doubt(), style="yellow")
    if dry_run:
        return
    for problem in planned.carry_out():
        output.remark(problem, style="yellow")
    if planned.is_machine:
        for line in NEXT:
            output.remark(line)


def uninstall(
    *,
    root: root_option = None,
    dry_run: dry_option = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: json_option = False,
) -> None:
    """Remove everything but the egress log: units, users, configuration, keys, wallets, models in our own folders.

    The log stays where it is, with what it takes to verify it; on this machine it then belongs to root. The programs
    themselves stay too: remove the environment or the package that they came with.

    Example: `ringfence uninstall --dry-run`
    """
    output = Output.of(as_json=as_json)
    planned = Removal(root)
    _tell(output, planned.rows())
    if dry_run:
        return
    planned.demand_root()
    if not yes and not typer.confirm(QUESTION, err=True):
        raise typer.Exit(ExitCode.FAILED)
    for problem in planned.carry_out():
        output.remark(problem, style="yellow")


def _tell(output: Output, rows: Iterable[Row]) -> None:
    if output.as_json:
        for deed, what, why in rows:
            output.json({"do": deed, "what": what, "why": why})
    else:
        output.table("", ("", "what", "why"), rows)
