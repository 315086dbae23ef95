"""`ringfence policy`: try a site's own recognisers, and make hashed dictionaries. Needs no daemon.

The recognisers cost a third of a second to import, so a command imports its work (`policyrun`) when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfenced.cli.exits import ExitCode
from ringfenced.cli.output import Output, json_option

policy = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@policy.callback()
def policy_group() -> None:
    """Try a site's own recognisers on its examples; make hashed dictionaries."""


@policy.command("test")
def run_examples(
    examples: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled examples: TOML, or JSON lines (.jsonl).")],
    *,
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The daemon's or the agent's file.")],
    show: Annotated[bool, typer.Option("--show", help="Print the pieces of text in question too.")] = False,
    as_json: json_option = False,
) -> None:
    """Run labelled examples through the recognisers that a configuration describes.

    Prints types and positions, and text only with --show. Exit code 1 when an example does not come out as it says.

    Example: `ringfence policy test examples.toml --config /etc/ringfence/ringfenced.toml`
    """
    from ringfenced.cli import policyrun  # noqa: PLC0415 - see above

    if not policyrun.run_examples(examples, config, Output.of(as_json=as_json), show=show):
        raise typer.Exit(ExitCode.FAILED)


@policy.command("key")
def make_key(path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to put it; must not exist.")]) -> None:
    """Make a site key for hashed dictionaries: 32 random bytes, mode 0600.

    Keep it apart from the hashed files: who has both can try names.

    Example: `ringfence policy key /etc/ringfence/lists.key`
    """
    from ringfenced.cli import policyrun  # noqa: PLC0415 - see above

    policyrun.make_key(path)
    Output.of(as_json=False).remark(f"{path} written, mode 0600")


@policy.command("hash")
def make_hashed(
    terms: Annotated[Path, typer.Argument(metavar="LIST", help="Terms, one a line, or CSV with a header.")],
    hashed: Annotated[Path, typer.Argument(metavar="OUT", help="The hashed file to write, mode 0600.")],
    *,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The site key; see `ringfence policy key`.")],
    column: Annotated[str, typer.Option(help="The CSV column that holds the terms.")] = "",
    person_variants: Annotated[
        bool, typer.Option("--person-variants", help="Terms are names, given name first: find other orders, initials.")
    ] = False,
) -> None:
    """Make a hashed dictionary of a plain list, so that the list itself need not lie on the node.

    Example: `ringfence policy hash staff.csv staff.hashed --key lists.key --column name --person-variants`
    """
    from ringfenced.cli import policyrun  # noqa: PLC0415 - see above

    size = policyrun.make_hashed(terms, hashed, key, column=column, person_variants=person_variants)
    Output.of(as_json=False).remark(f"{hashed} written, mode 0600, {size:,} bytes")
