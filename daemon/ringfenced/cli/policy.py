"""`ringfence policy`: check, try, compare, approve and reload what a site decides; make its hashed dictionaries.

Recognisers and configuration cost a third of a second to import, so a command imports its work when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfenced.cli import settings
from ringfenced.cli.exits import ExitCode
from ringfenced.cli.output import Output, json_option

policy = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@policy.callback()
def policy_group() -> None:
    """Check and try a site's policy and recognisers; approve, compare, show and reload; make hashed dictionaries."""


config_option = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The daemon's file.")]
people_option = Annotated[
    bool, typer.Option("--people", help="FILE says what people may do ([policy] people), not where requests may go.")
]
cedar_argument = Annotated[Path, typer.Argument(metavar="FILE", help="Cedar policies.")]


@policy.command("check")
def check_policy(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Cedar; unset for the configuration's.")] = None,
    *,
    people: people_option = False,
    config: config_option = None,
    as_json: json_option = False,
) -> None:
    """Parse and validate a policy, and say in short what it permits and forbids.

    With --config the template and the table count too, and names are held to the site: a policy of somebody who is not
    there can never apply. Exit code 2 when it cannot be used, with file, line and column.

    Example: `ringfence policy check policy.cedar --config /etc/ringfence/ringfenced.toml`
    """
    from ringfenced.cli import policycheck  # noqa: PLC0415 - see above

    policycheck.check(file, config, people=people, output=Output.of(as_json=as_json))


@policy.command("diff")
def diff_policy(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Cedar, or a daemon's file that ends in .toml.")],
    *,
    decisions: Annotated[
        Path, typer.Option("--decisions", metavar="PATH", help="The record of decisions: a file, or the folder.")
    ],
    config: config_option = None,
    as_json: json_option = False,
) -> None:
    """Replay recorded decisions under another policy: how many stay, and which would change and how.

    Needs no daemon. Callers have their names where the node's pseudonym.key can be read.

    Example: `ringfence policy diff new.cedar --config ringfenced.toml --decisions /var/lib/ringfenced/decisions`
    """
    from ringfenced.cli import policydiff  # noqa: PLC0415 - see above

    policydiff.diff(new, config, decisions, Output.of(as_json=as_json))


@policy.command("approve")
def approve_policy(
    file: cedar_argument,
    *,
    name: Annotated[str, typer.Option("--name", help="Your name in [[policy.approvers]].")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your Ed25519 private key, PEM.")],
    people: people_option = False,
    as_json: json_option = False,
) -> None:
    """Sign a policy, so that it may take effect; the line goes into FILE.approvals. The key stays on this machine.

    Any later change of the policy, of a single byte, needs new signatures.

    Example: `ringfence policy approve policy.cedar --name chief --key chief.key`
    """
    from ringfenced.cli import policyapprove  # noqa: PLC0415 - see above

    output = Output.of(as_json=as_json)
    target, approval = policyapprove.approve(file, name, key, people=people)
    if as_json:
        output.json({"file": str(target), "name": name, "digest": approval.digest, "unix_ms": approval.signed_unix_ms})
    else:
        output.line(f"{name} approves {file}, SHA-256 {approval.digest}; written to {target}")


@policy.command("show")
def show_policy(context: typer.Context, *, as_json: json_option = False) -> None:
    """Show the policy in force of a running daemon, and its digest. Role: operator or auditor.

    The digest is the SHA-256 of `source` in the JSON, and stands in every decision.
    """
    from ringfenced.cli import policyshow  # noqa: PLC0415 - see above

    with settings.load(context.obj).client() as client:
        policyshow.show(client.policy(), Output.of(as_json=as_json))


@policy.command("reload")
def reload_policy(context: typer.Context, *, as_json: json_option = False) -> None:
    """Have a running daemon read its policy's files again, and print the digest of what is in force. Role: operator.

    It does so by itself within three seconds after a change; this says at once whether they can be used. Exit code 7
    where they cannot: the policy before stays in force.
    """
    with settings.load(context.obj).client() as client:
        digest = client.reload_policy()
    output = Output.of(as_json=as_json)
    if as_json:
        output.json({"digest": digest})
    else:
        output.line(f"in force: {digest}")


@policy.command("test")
def run_examples(
    examples: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Cases: TOML or CSV. Or labelled examples: TOML, or JSON lines (.jsonl)."),
    ],
    *,
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The daemon's or the agent's file.")],
    show: Annotated[bool, typer.Option("--show", help="Print the pieces of text in question too.")] = False,
    as_json: json_option = False,
) -> None:
    """Decide a site's cases ([[case]]: who may send what where, or do what), or run examples ([[example]]).

    Cases are decided as the daemon decides, built-in rules, roles and policy together. Examples go through the site's
    recognisers; they print types and positions, and text only with --show. Exit code 1 when one does not come out as it
    says.

    Example: `ringfence policy test cases.toml --config /etc/ringfence/ringfenced.toml`
    """
    from ringfenced.cli import policycases, policyrows, policyrun  # noqa: PLC0415 - see above

    if policyrows.are_cases(examples):
        passed = policycases.run_cases(examples, config, Output.of(as_json=as_json))
        if not passed:
            raise typer.Exit(ExitCode.FAILED)
        return
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
