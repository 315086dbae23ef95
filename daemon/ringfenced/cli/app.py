"""The command tree of `ringfence`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ringfence.client import RingfenceCallError
from ringfenced.cli import ask, devices, node, routing
from ringfenced.cli.agent import agent
from ringfenced.cli.audit import audit
from ringfenced.cli.decisions import decisions
from ringfenced.cli.devcerts_command import dev_certs
from ringfenced.cli.doctoring.command import doctor
from ringfenced.cli.exits import Failure
from ringfenced.cli.installing.command import install, uninstall
from ringfenced.cli.lockdown import lockdown
from ringfenced.cli.models import models
from ringfenced.cli.output import wants_json
from ringfenced.cli.policy import policy
from ringfenced.cli.report import report_call, report_failure

HELP = """Ask models, see what was decided, prove what left.

Who asks, and whom: `--certs DIR --as NAME` for a folder made by `ringfence dev-certs`; else `--ca`, `--cert`, `--key`;
else RINGFENCE_CA, RINGFENCE_CERT, RINGFENCE_KEY; else ~/.config/ringfence/client.toml. The same for `--target`.

Examples:

- `ringfence dev-certs run/certs`
- `ringfence --certs run/certs --as caller-ward generate "Which form does a transfer need?"`
- `ringfence --certs run/certs --as caller-ward plan -f note.txt --allow-deidentified`
- `ringfence --certs run/certs --as auditor audit tail -n 20 --follow`
- `ringfence audit verify --log run/log --key run/certs/log.pub --checkpoint kept.checkpoint`
- `ringfence policy test examples.toml --config ringfenced.toml`

Exit codes: 0 done; 1 a check failed, or something unexpected; 2 wrong usage; 3 refused by label or policy;
4 wallet empty; 5 not authenticated or not permitted; 6 unavailable, try again; 7 invalid, unknown or unsupported;
8 the time ran out.
"""


class ReportingGroup(TyperGroup):
    """Turns every failure into words on stderr and an exit code: the one place where a command ends badly."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; report what it raised."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            raise typer.Exit(report_failure(failure, as_json=wants_json(ctx))) from failure
        except RingfenceCallError as error:
            raise typer.Exit(report_call(error, as_json=wants_json(ctx))) from error


app = typer.Typer(
    cls=ReportingGroup,
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_CONNECTION = "Connection"


def show_version(value: bool) -> None:
    """Print the version and end."""
    if value:
        print(f"ringfence {version('ringfence')}")
        raise typer.Exit


@app.callback()
def connection(
    ctx: typer.Context,
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=show_version, is_eager=True)
    ] = False,
    target: Annotated[
        str, typer.Option(help="host:port, or unix:/path of a socket.", rich_help_panel=_CONNECTION)
    ] = "",
    certs: Annotated[
        str, typer.Option(metavar="DIR", help="A folder made by dev-certs.", rich_help_panel=_CONNECTION)
    ] = "",
    as_: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Whose files in it.", rich_help_panel=_CONNECTION)
    ] = "",
    ca: Annotated[str, typer.Option(metavar="FILE", help="Whom to trust; PEM.", rich_help_panel=_CONNECTION)] = "",
    cert: Annotated[str, typer.Option(metavar="FILE", help="Your certificate; PEM.", rich_help_panel=_CONNECTION)] = "",
    key: Annotated[str, typer.Option(metavar="FILE", help="Its private key; PEM.", rich_help_panel=_CONNECTION)] = "",
    server_name: Annotated[
        str, typer.Option(help="Name in the daemon's certificate.", rich_help_panel=_CONNECTION)
    ] = "",
) -> None:
    """Keep what stands before every command."""
    ctx.obj = {
        "target": target,
        "certs": certs,
        "as": as_,
        "ca": ca,
        "cert": cert,
        "key": key,
        "server_name": server_name,
    }


app.command()(ask.generate)
app.command()(ask.plan)
app.command()(routing.feedback)
app.command()(node.status)
app.command("node")(devices.node)
app.command()(node.wallet)
app.add_typer(agent, name="agent")
app.add_typer(audit, name="audit")
app.add_typer(decisions, name="decisions")
app.add_typer(lockdown, name="lockdown")
app.add_typer(models, name="models")
app.add_typer(policy, name="policy")
app.add_typer(routing.routing, name="routing")
app.command()(doctor)
app.command()(install)
app.command()(uninstall)
app.command("dev-certs")(dev_certs)
