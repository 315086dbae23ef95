"""`ringfence doctor`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfence.configfile import ConfigError
from ringfenced import policyfile
from ringfenced.cli.doctoring import (
    certificates,
    clock,
    egresslog,
    look_daemon,
    look_files,
    look_machine,
    memory,
    places,
    site,
    units,
)
from ringfenced.cli.doctoring.finding import Finding, State
from ringfenced.cli.exits import ExitCode
from ringfenced.cli.output import Output, json_option
from ringfenced.config import Config, read

CONFIG: Final = Path("/etc/ringfence/ringfenced.toml")
AGENT_CONFIG: Final = Path("/etc/ringfence/ringfence-agent.toml")
_STYLES: Final = {State.OK: "ok", State.WARNING: "warning", State.ERROR: "ERROR"}


def doctor(
    context: typer.Context,
    *,
    config: Annotated[Path, typer.Option(metavar="FILE", help="The daemon's configuration.")] = CONFIG,
    agent_config: Annotated[Path, typer.Option(metavar="FILE", help="The agent's configuration.")] = AGENT_CONFIG,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte of every model.")] = False,
    as_json: json_option = False,
) -> None:
    """Check this node, and what its daemon says of the site; say what to do about each.

    Looks at certificates, keys and permissions, clock, egress log and witness, disks, GPU driver, models, policy,
    providers, core dumps, swap, and the walls that systemd keeps. Run it as root, with an identity whose roles are
    operator and auditor; what it may not see is a warning. Changes nothing. Exit code 1 where something is an error.

    Example: `ringfence --certs run/certs --as operator doctor --config ringfenced.toml`
    """
    output = Output.of(as_json=as_json)
    found = list(_findings(context.obj, config, agent_config, deep=deep))
    if as_json:
        for each in found:
            output.json({"check": each.check, "state": each.state, "told": each.told, "advice": each.advice})
    else:
        _show(output, found)
    if any(each.state is State.ERROR for each in found):
        raise typer.Exit(ExitCode.FAILED)


def _findings(options: dict[str, str], path: Path, agent_path: Path, *, deep: bool) -> Iterator[Finding]:
    """Everything, in the order in which it is shown."""
    now_s = time.time()
    configured, problem, digest = _configuration(path)
    agent = look_files.agent_file(agent_path)
    told = look_daemon.ask(options)
    running = look_machine.processes()
    if path.exists() or path != CONFIG:  # on the agent's own host there is no daemon's file
        yield site.policy(problem, digest)
    yield from certificates.judge(look_files.certificates(configured, agent), now_s)
    yield from places.permissions(look_files.places(configured, agent, path.parent))
    yield from places.room(look_files.rooms(configured, agent))
    yield from clock.judge(_clock(now_s, agent, told))
    yield from memory.dumps(running)
    yield memory.swap(running, look_machine.swaps())
    yield from units.judge(look_machine.units())
    if configured is not None:
        wants = any(model.gpu_layers or model.engine == "vllm" for model in configured.models)
        yield from site.gpus(wants, look_machine.gpu_driver(), told.daemon.gpus)
        yield from site.weights(look_files.weights(configured, deep=deep))
        if configured.agent is not None:
            yield from egresslog.judge(_log(configured, agent, told))
    yield from site.daemon(told.daemon)


def _configuration(path: Path) -> tuple[Config | None, str, str]:
    """The daemon's configuration, what is wrong with it or its policy, and the policy's digest."""
    try:
        configured = read(path)
    except ConfigError as error:
        return None, str(error), ""
    try:
        return configured, "", policyfile.load(configured, time.time_ns() // 1_000_000).digest
    except ConfigError as error:
        return configured, str(error), ""


def _log(config: Config, agent: look_files.AgentFile | None, told: look_daemon.Told) -> egresslog.LogFacts:
    """The log as the daemon tells it; where it does not, as it lies on this machine."""
    kept = config.state / "witnessed.checkpoint"
    folder = agent.named("log", "directory") if agent is not None else None
    condemned = kept.with_name(f"{kept.name}.condemned")
    return egresslog.LogFacts(
        origin=config.agent.log_origin if config.agent is not None else "",
        key=look_files.log_key(config),
        checkpoint=told.checkpoint or (look_files.text_of(folder / "checkpoint") if folder is not None else None),
        witnessed=told.witnessed or look_files.text_of(kept),
        condemned=str(condemned) if look_files.text_of(condemned) is not None else "",
        witnesses=_witnesses(agent),
    )


def _clock(now_s: float, agent: look_files.AgentFile | None, told: look_daemon.Told) -> clock.ClockFacts:
    folder = agent.named("log", "directory") if agent is not None else None
    newest_ms = told.log_unix_ms
    if newest_ms is None and folder is not None:
        newest_ms = look_files.newest_entry_ms(folder)
    return clock.ClockFacts(int(now_s * 1000), look_machine.is_clock_synchronised(), newest_ms)


def _witnesses(agent: look_files.AgentFile | None) -> int | None:
    """How many witnesses the agent's file names."""
    log = agent.document.get("log") if agent is not None else None
    listed = log.get("witnesses", []) if isinstance(log, dict) else None
    return len(listed) if isinstance(listed, list) else None


def _show(output: Output, found: Iterable[Finding]) -> None:
    findings = list(found)
    rows = [(_STYLES[each.state], each.check, each.told, each.advice) for each in findings]
    output.table("", ("", "check", "what was seen", "what to do"), rows)
    counts = {state: sum(each.state is state for each in findings) for state in State}
    output.line(f"{counts[State.ERROR]} errors, {counts[State.WARNING]} warnings, {counts[State.OK]} ok")
