"""`ringfence models`: the library of this machine, and what the daemon has in memory."""

from __future__ import annotations

import typer

from ringfenced.cli import models_bench, models_bundle, models_library, models_node, models_pull, settings
from ringfenced.cli.models_fit import fit_command
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.tables import models_table

models = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")
_LIBRARY = "The library: files on this machine"
_NODE = "The daemon: models in memory"


@models.callback(invoke_without_command=True)
def models_group(context: typer.Context, *, as_json: json_option = False) -> None:
    """Fetch, verify, carry over, load and measure models.

    Without a command: list the models of the node and of the providers it may use, with their state.

    **The library** is one folder: `[library] folder` in the daemon's file. A model gets there through quarantine,
    verified, and the daemon uses it as `[[models]] library = "NAME"`. Which library: `--library DIR` or `--config
    FILE`, else RINGFENCE_LIBRARY, else RINGFENCE_CONFIG, else /etc/ringfence/ringfenced.toml. Of these commands, `pull`
    alone uses the network.

    From a hub to a node without a way out:

    - `ringfence models pull hf:Qwen/Qwen3-8B-GGUF --file '*Q4_K_M*' --library ./library`
    - `ringfence models export Qwen3-8B-Q4_K_M --library ./library --out qwen3.tar --sign approver.key`
    - on the node: `ringfence models import qwen3.tar`
    - `ringfence --certs run/certs --as operator models load assistant`
    """
    if context.invoked_subcommand is not None:
        return
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        listed = client.models()
    if as_json:
        for model in listed:
            output.message(model)
    else:
        models_table(output, listed)


models.command(rich_help_panel=_LIBRARY)(models_pull.pull)
models.command("list", rich_help_panel=_LIBRARY)(models_library.list_models)
models.command(rich_help_panel=_LIBRARY)(models_library.show)
models.command(rich_help_panel=_LIBRARY)(models_library.verify)
models.command("fit", rich_help_panel=_LIBRARY)(fit_command)
models.command("rm", rich_help_panel=_LIBRARY)(models_library.remove)
models.command(rich_help_panel=_LIBRARY)(models_bundle.export)
models.command("import", rich_help_panel=_LIBRARY)(models_bundle.import_bundle)
models.command(rich_help_panel=_NODE)(models_node.ps)
models.command(rich_help_panel=_NODE)(models_node.load)
models.command(rich_help_panel=_NODE)(models_node.unload)
models.command(rich_help_panel=_NODE)(models_node.swap)
models.command(rich_help_panel=_NODE)(models_bench.bench)
