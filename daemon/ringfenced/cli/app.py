"""The command tree of `ringfence`."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from ringfenced.cli.devcerts_command import dev_certs
from ringfenced.cli.exits import Failure
from ringfenced.cli.output import Output

HELP = """Ask models, see what was decided, prove what left.

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
            report(failure)
            raise typer.Exit(failure.code) from failure


def report(failure: Failure) -> None:
    """Say what was wrong and what to do."""
    output = Output.of(as_json=False)
    output.remark(f"error: {failure.message}", style="bold red")
    for line in failure.advice:
        output.remark(f"  {line}")


app = typer.Typer(
    cls=ReportingGroup,
    help=HELP,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def ringfence() -> None:
    """Hold the options that stand before every command."""


app.command("dev-certs")(dev_certs)
