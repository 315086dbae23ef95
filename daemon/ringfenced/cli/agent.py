"""`ringfence agent`: what an operator does with the agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfenced.cli import keyfile, settings
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option

agent = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@agent.callback()
def agent_group() -> None:
    """Look after the agent: its providers' keys."""


@agent.command("rotate-key")
def rotate_key(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="Its name in the agent's configuration.")],
    *,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="The new key, to be put in place first; - for stdin.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="The agent's api_key_file, on this host.")
    ] = None,
    as_json: json_option = False,
) -> None:
    """Have the agent read a provider's API key anew, without a restart (role: operator).

    Requests in flight go on with the old key. The egress log says who asked and the new key's keyed fingerprint. A
    place that holds no key leaves the old one in use.

    With --from and --to, on the agent's host, the new key is first put into its file, whole or not at all, mode 0400.

    Example: `ringfence --certs run/certs --as operator agent rotate-key cloud`
    """
    if (source is None) != (target is None):
        raise Failure("--from and --to go together", code=ExitCode.USAGE)
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        if source is not None and target is not None:
            keyfile.install(source, target)
            output.remark(f"{target} written, mode 0400")
        rotated = client.rotate_provider_key(provider)
    if as_json:
        output.message(rotated)
    else:
        what = "another key than before" if rotated.changed else "the same key as before"
        output.line(f"{provider}: the agent uses {what}, fingerprint {rotated.fingerprint}")
