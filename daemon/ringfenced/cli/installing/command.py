"""`ringfence install` and `ringfence uninstall`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ringfence.presence import is_there, read_if_there
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.installing import system
from ringfenced.cli.installing.installation import NEXT, Installation, demand_root
from ringfenced.cli.installing.leaving import AGENT_STATE, Leaving, leaving
from ringfenced.cli.installing.root import Root
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

    Our units are stopped first, and nothing is removed while one of them still runs.
    The log stays where it is, with what it takes to verify it; on this machine it then belongs to root. The programs
    themselves stay too: remove the environment or the package that they came with.

    Example: `ringfence uninstall --dry-run`
    """
    output = Output.of(as_json=as_json)
    place = Root(root or Path("/"))
    plan = _leaving(place)
    _tell_uninstall(output, place, plan)
    if dry_run:
        return
    demand_root(place)
    if not yes and not typer.confirm("Keys and wallets cannot be brought back. Remove all this?", err=True):
        raise typer.Exit(ExitCode.FAILED)
    told = system.run(system.LEAVING) if place.is_machine else ()
    if place.is_machine:
        _demand_stopped(told)
    _clear(place, plan)
    if place.is_machine:
        told += system.run(system.LEFT)
    for problem in told:
        output.remark(problem, style="yellow")


def _demand_stopped(told: tuple[str, ...]) -> None:
    """Nothing is taken away under a process that runs: it would write on, and could put links in our way."""
    if running := system.running():
        names = " ".join(running)
        advice = (*told, f"systemctl stop {names}; see systemctl status {names}; then run the same again")
        raise Failure(f"still running: {names}; nothing was removed", advice=advice)


def _tell_uninstall(output: Output, place: Root, plan: Leaving) -> None:
    told: list[tuple[str, str, str]] = []
    told += [("run", " ".join(command), "") for command in system.LEAVING if place.is_machine]
    told += [("copy", f"/{path}", f"to /{to}") for path, to in plan.copied if _is_copied(place, plan, path)]
    there = (path for path in (*plan.going, *_links(place, plan)) if os.path.lexists(place.at(path)))
    told += [("remove", f"/{path}", "") for path in there]
    staying = (path for path in sorted(plan.staying) if place.at(path).exists())
    told += [("keep", f"/{path}", "") for path in staying]
    told += [("keep", path, "not in a folder of ours") for path in plan.elsewhere]
    told += [("run", " ".join(command), "") for command in system.LEFT if place.is_machine]
    _tell(output, told)


def _tell(output: Output, told: list[tuple[str, str, str]]) -> None:
    if output.as_json:
        for deed, what, why in told:
            output.json({"do": deed, "what": what, "why": why})
    else:
        output.table("", ("", "what", "why"), told)


def _leaving(place: Root) -> Leaving:
    """The plan, by the configuration that is there."""
    texts = []
    for name in ("ringfenced.toml", "ringfence-agent.toml"):
        file = place.at(f"etc/ringfence/{name}")
        try:
            texts.append(read_if_there(file))
        except OSError as error:
            advice = ("it says where the egress log is, which must stay: mend it, then run the same again",)
            raise Failure(f"{file}: {error.strerror}", advice=advice) from None
    try:
        return leaving(*texts)
    except ValueError as error:
        advice = ("it says where the egress log is: mend it, or remove it if the log is in its usual place",)
        raise Failure(f"a configuration in /etc/ringfence is no TOML: {error}", advice=advice) from None


def _links(place: Root, plan: Leaving) -> tuple[str, ...]:
    """Names of programs that are links: a file of that name is a package's own."""
    return tuple(path for path in plan.links if place.at(path).is_symlink())


def _is_copied(place: Root, plan: Leaving, path: str) -> bool:
    """Whether there is something to copy, and a log to lay it beside. What is no file is told, not passed over."""
    try:
        return is_there(place.at(path)) and is_there(place.at(plan.log)) and place.at(plan.log).is_dir()
    except OSError as error:  # nobody can tell, and what is not copied goes with the rest
        raise Failure(f"{error.filename}: {error.strerror}", advice=("mend it, then run the same again",)) from None


def _clear(place: Root, plan: Leaving) -> None:
    try:
        for path, to in plan.copied:
            if _is_copied(place, plan, path):
                place.copy(path, to)
        if place.is_machine:  # while the configuration still says where it is, should this fail
            system.to_root(place.at(path) for path in (AGENT_STATE, *plan.staying))
        for path in (*_links(place, plan), *plan.going):
            place.clear(path, plan.staying)
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}", advice=("mend it, then run the same again",)) from None
    except RecursionError:
        advice = ("find /var/lib/ringfence* -mindepth 20: rm -r what is no log, then run the same again",)
        raise Failure("somebody laid folders too deep in each other to be walked", advice=advice) from None
