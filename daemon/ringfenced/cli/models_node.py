"""`ringfence models ps`, `load`, `unload` and `swap`: what the daemon has in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from ringfence.v1.admin_pb2 import Model, ModelState
from ringfence.v1.types_pb2 import TargetKind
from ringfenced.cli import settings
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.models_library import size_of
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.terminal import safe

_UNKNOWN = "-"


class _Step(Protocol):
    """One message of a stream that tells of loading."""

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        ...

    @property
    def stage(self) -> str:
        """What is being done."""
        ...

    @property
    def model(self) -> Model:
        """The model as it is now."""
        ...


def ps(
    context: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="And again whenever something changes.")] = False,
    as_json: json_option = False,
) -> None:
    """Show the daemon's models: state, requests running and waiting, memory, what could be evicted (any role).

    Memory is what was measured once loaded, else what is planned. A model gives way to another unless it is pinned or
    answers requests. Providers' models are in `ringfence models`.

    Example: `ringfence --certs run/certs --as operator models ps --watch`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        states = (answer.models for answer in client.watch_models()) if watch else iter([client.models()])
        for models in states:
            local = [model for model in models if model.kind == TargetKind.TARGET_KIND_LOCAL]
            if as_json:
                for model in local:
                    output.message(model)
            else:
                _table(output, local)


def load(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As in the daemon's configuration.")],
    *,
    as_json: json_option = False,
) -> None:
    """Load a model into memory, and say how far it is (role: operator).

    Waits while others that load it are ahead; makes room by unloading what has nothing to do. Exit code 1 where it does
    not become ready.
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        _follow(output, name, client.load_model(name))


def swap(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As in the daemon's configuration.")],
    replacement: Annotated[str, typer.Argument(metavar="LIBRARY-NAME", help="The other weights, in the library.")],
    *,
    as_json: json_option = False,
) -> None:
    """Put other weights in a model's place without failing a request (role: operator).

    The new ones are loaded beside the old, requests go to the new, and the old end what they began. Until the daemon
    restarts: the configuration says what stays.

    Example: `ringfence --certs run/certs --as operator models swap assistant qwen3-8b-2027`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        _follow(output, name, client.replace_model(name, replacement))


def unload(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As in the daemon's configuration.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="End its requests instead of waiting for them.")] = False,
    as_json: json_option = False,
) -> None:
    """Take a model out of memory, once its requests have ended (role: operator).

    The next request that needs it loads it again.
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        model = client.unload_model(name, force=force)
    if as_json:
        output.message(model)
    else:
        output.line(f"{name}: {_state(model)}")


def _follow(output: Output, name: str, steps: Iterable[_Step]) -> None:
    """Tell of a model that is being loaded; Failure where it does not become ready."""
    last: Model | None = None
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
        TimeElapsedColumn(),
    )
    on_terminal = output.stderr.isatty() and not output.as_json
    with Progress(*columns, console=Console(file=output.stderr), transient=True, disable=not on_terminal) as progress:
        task, stage = progress.add_task(safe(name), total=1.0, stage=""), ""
        for step in steps:
            last = step.model
            progress.update(task, completed=step.progress, stage=safe(step.stage))
            if output.as_json:
                output.message(step)  # type: ignore[arg-type] # both are messages
            elif not on_terminal and step.stage != stage:
                output.remark(f"{name}: {step.stage}")
            stage = step.stage
    if last is None or last.state != ModelState.MODEL_STATE_READY:
        failure = last.failure if last else ""
        raise Failure(
            f"{name} is not ready: {failure or (_state(last) if last else 'the daemon said nothing')}",
            code=ExitCode.FAILED,
            advice=("ringfence models ps shows what has the memory, ringfence status what is wrong",),
        )
    if not output.as_json:
        output.line(f"{name}: ready")


def _table(output: Output, models: Iterable[Model]) -> None:
    columns = (
        "model",
        "engine",
        "state",
        "running",
        "waiting",
        "batch",
        "wait ms",
        "memory",
        "evictable",
        "deaths",
        "",
    )
    rows = (
        (
            model.name,
            model.engine,
            _state(model),
            str(model.requests_running),
            str(model.requests_waiting),
            str(model.requests_waiting_batch),
            str(model.wait_ms) if model.HasField("wait_ms") else _UNKNOWN,
            _memory(model),
            _evictable(model),
            str(model.deaths),
            model.failure or model.stage,
        )
        for model in models
    )
    output.table("models in memory", columns, rows, right=frozenset(columns[3:7]) | {"deaths"})


def _state(model: Model) -> str:
    """A state for people, with how far it is and how many engines are ready."""
    number = model.state
    state = (
        ModelState.Name(number).removeprefix("MODEL_STATE_").lower() if number in ModelState.values() else str(number)
    )
    if number == ModelState.MODEL_STATE_LOADING:
        return f"{state} {model.progress:.0%}"
    return f"{state} {model.replicas_ready}/{model.replicas}" if model.replicas > 1 else state


def _memory(model: Model) -> str:
    """By device: measured, else planned."""
    parts = []
    for each in model.memory:
        if each.HasField("measured_bytes"):
            parts.append(f"{each.device} {size_of(each.measured_bytes)}")
        elif each.HasField("planned_bytes"):
            parts.append(f"{each.device} {size_of(each.planned_bytes)} planned")
    if not parts and model.HasField("process_bytes"):
        parts.append(size_of(model.process_bytes))
    return ", ".join(parts) or _UNKNOWN


def _evictable(model: Model) -> str:
    """Whether it would give way to another now."""
    if model.pinned:
        return "pinned"
    if model.state != ModelState.MODEL_STATE_READY:
        return _UNKNOWN
    return "busy" if model.requests_running or model.requests_waiting else "yes"
