"""`ringfence decisions`: what was decided lately, and why, from the daemon's record. Needs no daemon.

What decides costs a tenth of a second to import, so a command imports its work (`decisionsrun`) when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfenced.cli.asking import LevelName
from ringfenced.cli.output import Output, json_option

decisions = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

_Record = Annotated[
    Path, typer.Argument(metavar="PATH", help="The folder `decisions` in the daemon's state, or a file.")
]


@decisions.callback()
def decisions_group() -> None:
    """What was decided lately, and why: from the record that the daemon keeps without content."""


@decisions.command("list")
def list_decisions(
    path: _Record,
    *,
    last: Annotated[int, typer.Option("-n", "--last", min=1, help="At most so many, the newest.")] = 20,
    department: Annotated[str, typer.Option(help="Only this department's.")] = "",
    task: Annotated[str, typer.Option(help="Only this kind of work.")] = "",
    label: Annotated[LevelName | None, typer.Option(help="Only this level.", case_sensitive=False)] = None,
    target: Annotated[str, typer.Option(help="Only what went there first, for example acme/gpt.")] = "",
    refused: Annotated[bool, typer.Option("--refused", help="Only what had no target.")] = False,
    as_json: json_option = False,
) -> None:
    """List decisions, the newest last. Callers stand as keyed pseudonyms.

    Example: `ringfence decisions list /var/lib/ringfenced/decisions --department ward --refused`
    """
    from ringfenced.cli import decisionsrun  # noqa: PLC0415 - see above

    wanted = decisionsrun.Wanted(department, task, "" if label is None else label.value, target, refused=refused)
    decisionsrun.show_list(Output.of(as_json=as_json), decisionsrun.read(path), wanted, last)


@decisions.command("explain")
def explain_decision(
    path: _Record,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id, as its receipt has it.")],
    *,
    as_json: json_option = False,
) -> None:
    """Decide again as it was decided then, and show every target with the rule and reason for or against it.

    Example: `ringfence decisions explain /var/lib/ringfenced/decisions 0198c2f0-7b1c-7d3e-9a53-2f6d1c0e8b11`
    """
    from ringfenced.cli import decisionsrun  # noqa: PLC0415 - see above

    decisionsrun.show_one(Output.of(as_json=as_json), decisionsrun.read(path), request_id)
