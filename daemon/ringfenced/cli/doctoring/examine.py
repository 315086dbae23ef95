"""Everything that is looked at, in the order in which it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ringfence.configfile import ConfigError
from ringfence.presence import is_there
from ringfenced import policyfile
from ringfenced.cli.doctoring import (
    certificates,
    clock,
    egresslog,
    look_daemon,
    look_files,
    look_machine,
    look_systemd,
    look_ways,
    memory,
    places,
    selftest,
    site,
    units,
    ways,
)
from ringfenced.cli.doctoring.finding import Finding, unseen
from ringfenced.config import Config, read


def findings(
    options: Mapping[str, str], path: Path, agent_path: Path, *, named: frozenset[str], deep: bool, reach: bool
) -> Iterator[Finding]:
    """Look at everything.

    Args:
        options: whom to ask, and who asks, as on the command line.
        path: the daemon's configuration.
        agent_path: the agent's.
        named: units of daemon and agent whose file somebody named: it is looked at, wherever systemd has them run.
        deep: read every byte of every model.
        reach: open a connection to each provider as the agent would.
    """
    now_s = time.time()
    answer = look_systemd.units()
    has_answered, in_force = answer is not None, answer or ()
    away = units.elsewhere(in_force) - named
    configured, problem, digest = (None, "", "") if units.DAEMON in away else _configuration(path)
    agent = None if units.AGENT in away else look_files.agent_file(agent_path)
    told = look_daemon.ask(options)
    running = look_machine.processes()
    yield from units.left_out(away)
    if units.DAEMON in named or (units.DAEMON not in away and _is_or_may_be_there(path)):
        yield site.policy(problem, digest)
    yield from certificates.judge(look_files.certificates(configured, agent), now_s)
    yield from places.permissions(look_files.places(configured, agent, path.parent))
    yield from places.room(look_files.rooms(configured, agent))
    yield from clock.judge(_clock(now_s, agent, told))
    yield from memory.dumps(running)
    yield memory.swap(running, look_machine.swaps())
    if not has_answered:
        yield unseen("units", "systemd did not answer", "see that `systemctl status` does, then run this again")
    yield from units.judge(in_force)
    yield from selftest.judge(look_systemd.self_tests(in_force))
    if agent is not None:
        yield from _ways(agent, in_force, reach=reach)
    if configured is not None:
        wants = any(model.gpu_layers or model.engine == "vllm" for model in configured.models)
        yield from site.gpus(wants, look_machine.gpu_driver(), told.daemon.gpus)
        yield from site.weights(look_files.weights(configured, deep=deep))
        if configured.agent is not None:
            yield from egresslog.judge(_log(configured, agent, told))
    yield from site.daemon(told.daemon)


def _is_or_may_be_there(path: Path) -> bool:
    """Whether to look at a configuration: only one that is not there says nothing by being left out."""
    try:
        return is_there(path)
    except OSError:
        return True


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


def _ways(agent: look_files.AgentFile, in_force: Iterable[units.UnitFacts], *, reach: bool) -> tuple[Finding, ...]:
    """The ways to the agent's providers, beside what its unit lets through where it runs."""
    unit = next((each for each in in_force if each.name == units.AGENT), None)
    runs = unit if unit is not None and unit.values.get("ActiveState") == "active" else None
    allowed = runs.values.get("IPAddressAllow", "").split() if runs is not None else None
    return ways.judge(look_ways.ways(agent, runs, reach=reach), allowed)


def _log(config: Config, agent: look_files.AgentFile | None, told: look_daemon.Told) -> egresslog.LogFacts:
    """The log as the daemon tells it; where it does not, as it lies on this machine."""
    kept = config.state / "witnessed.checkpoint"
    folder = agent.named("log", "directory") if agent is not None else None
    condemned, unseen_why = kept.with_name(f"{kept.name}.condemned"), ""
    try:
        is_condemned = is_there(condemned)  # it is not read: whatever lies there counts
    except OSError as error:
        is_condemned, unseen_why = False, f"{condemned}: {error.strerror}"
    return egresslog.LogFacts(
        origin=config.agent.log_origin if config.agent is not None else "",
        key=look_files.log_key(config),
        checkpoint=told.checkpoint or (look_files.text_of(folder / "checkpoint") if folder is not None else None),
        witnessed=told.witnessed or look_files.text_of(kept),
        condemned=str(condemned) if is_condemned else "",
        witnesses=_witnesses(agent),
        unseen=unseen_why,
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
