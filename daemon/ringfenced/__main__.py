"""`ringfenced`: the daemon's process, or one worker of it."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sqlite3
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from ringfence.quiet import quiet_grpc
from ringfence.tls13 import require_tls13

# gRPC reads its cipher suites, and what it may write, when it is imported: both are said before build imports it.
require_tls13(os.environ)  # noqa: TID251 - the start of this process
quiet_grpc(os.environ)  # noqa: TID251 - likewise
# Landlock holds for one thread and what it starts: OpenBLAS, which config imports, must not start any before it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - likewise

import uvloop  # noqa: E402

from ringfence.configfile import ConfigError  # noqa: E402
from ringfence.confine.begin import EXIT_NOT_CONFINED, NotConfined, Report  # noqa: E402
from ringfence.process import keep_memory  # noqa: E402
from ringfence.watchdog import Pulse  # noqa: E402
from ringfenced.build import Reload, attached, check_files, linked, prepare, supervising, working  # noqa: E402
from ringfenced.config import Config, notify_environment, read  # noqa: E402
from ringfenced.confining import seal, shut_in  # noqa: E402
from ringfenced.managed import ready, reloaded, reloading, stopping_now, unwell, watchdog  # noqa: E402
from ringfenced.model import HealthCheck  # noqa: E402
from ringfenced.nouns import Ledger  # noqa: E402
from ringfenced.telemetry.log import configure  # noqa: E402
from ringfenced.workers import ALIVE_EVERY_S, EXIT_CONFIG, Workers  # noqa: E402

_LOG = logging.getLogger("ringfenced")

GC_THRESHOLD = (20_000, 20, 50)
"""Allocations between two collections, and generations between two of the next (gc.set_threshold)."""


def main() -> None:
    """Read the command line and serve until SIGTERM or SIGINT."""
    options = _parser().parse_args()
    try:
        config = read(options.config)
        digest, doubts = check_files(config) if options.check_config else ("", ())
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        sys.exit(EXIT_CONFIG)
    if options.check_config:
        for doubt in doubts:
            print(f"warning: {doubt}", file=sys.stderr)  # noqa: T201 - likewise
        print(f"{options.config}: good; policy digest {digest[:16]}")  # noqa: T201 - likewise
        return
    keep_memory()
    configure(config.telemetry.level)
    report = _confined(config, options.config, options.worker)
    # What was imported lives as long as the process: the collector need not look at it again, nor run for every few
    # hundred values that a request makes and drops.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    uvloop.run(_serve(config, options.config, options.worker, report))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ringfenced",
        description="Serves language models inside the site's walls: classifies, decides, runs, accounts. "
        "Nothing leaves but through ringfence-agent.",
        epilog="Exit codes: 0 ended by a signal, 1 could not serve, 77 not shut in (docs/confinement.md), "
        "78 the configuration is wrong.",
    )
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="the TOML file (docs/configuration.md)"
    )
    parser.add_argument("--check-config", action="store_true", help="say what is wrong with FILE, and where; then end")
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)
    return parser


def _confined(config: Config, path: Path, worker: int | None) -> Report:
    """Shut this process in before it reads a payload, opens a port or has a second thread; leave where it must."""
    if worker is None:
        try:
            prepare(config)  # first: Landlock knows folders that are there
        except OSError as error:
            _LOG.error("cannot_serve", extra={"fields": {"problem": str(error)}})
            sys.exit(1)
    try:
        report = shut_in(config, path, notify_environment().get("NOTIFY_SOCKET", ""))
    except (NotConfined, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        sys.exit(EXIT_NOT_CONFINED)
    (_LOG.warning if report.problem else _LOG.info)("confined", extra={"fields": report.fields()})
    return report


async def _serve(config: Config, path: Path, worker: int | None, report: Report) -> None:
    check = HealthCheck("confinement", ok=report.is_held, message=report.problem)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # until it serves: what it is told to read it is reading
    try:
        if worker is not None:
            await _serve_as_worker(config, worker, stopping, check)
        elif config.workers == 1:
            await _serve_alone(config, stopping, check)
        else:
            await _supervise(config, path, stopping)
    except* ConfigError as group:  # one of the site's own files, or a plug-in, that was not looked at before
        for problem in _problems(group):
            print(problem, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        sys.exit(EXIT_CONFIG)
    except* NotConfined as group:  # a worker, which said which ways out work
        for problem in _problems(group):
            print(problem, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        sys.exit(EXIT_NOT_CONFINED)
    except* (OSError, sqlite3.Error) as group:  # the ledger's disk is full, or what is there is no ledger
        for problem in _problems(group):
            _LOG.error("cannot_serve", extra={"fields": {"problem": problem}})
        sys.exit(1)


async def _serve_alone(config: Config, stopping: asyncio.Event, confined: HealthCheck) -> None:
    reload = Reload(asyncio.Event(), reloaded)
    pulse = watchdog()
    async with (
        supervising(config) as (engines, shared),
        working(config, engines, shared, worker=None, reload=reload, pulse=pulse, confined=confined) as bound,
    ):
        seal(config)
        _LOG.info("ready", extra={"fields": {"port": bound.tcp_port, "health_port": bound.health_port, "workers": 1}})
        ready()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading, reload.asked.set)
        await stopping.wait()
        stopping_now()


async def _supervise(config: Config, path: Path, stopping: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        engines, shared = await stack.enter_async_context(supervising(config))
        workers = Workers(path, config.workers, config.drain_seconds_max)
        told = {"on_ready": workers.on_ready, "on_alive": workers.on_alive}
        await stack.enter_async_context(linked(config, engines, shared, **told, is_worker=workers.is_worker))
        await stack.enter_async_context(workers.running())
        group = await stack.enter_async_context(asyncio.TaskGroup())
        department = config.departments[0].name
        lasting = (_announce(workers, config.workers), watchdog().beat(lambda: _books(shared.ledger, department)))
        tasks = [group.create_task(each) for each in lasting]
        await stopping.wait()
        for task in tasks:
            task.cancel()
        stopping_now()


async def _announce(workers: Workers, count: int) -> None:
    """Say that the daemon is ready once every worker serves."""
    port = await workers.all_ready()
    _LOG.info("ready", extra={"fields": {"port": port, "workers": count}})
    ready()
    # Workers look at the policy's file by themselves, within seconds: there is nothing to pass on.
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading, lambda: reloaded(""))


async def _serve_as_worker(config: Config, worker: int, stopping: asyncio.Event, confined: HealthCheck) -> None:
    async with AsyncExitStack() as stack:
        engines, shared, link = await stack.enter_async_context(attached(config))
        reload = Reload(asyncio.Event(), lambda _: None)
        pulse = Pulse(ALIVE_EVERY_S, lambda problem: unwell(problem) if problem else link.alive(worker))
        serving = working(config, engines, shared, worker=worker, reload=reload, pulse=pulse, confined=confined)
        bound = await stack.enter_async_context(serving)
        seal(config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.asked.set)
        await link.ready(bound.tcp_port or 0)
        await stopping.wait()


async def _books(ledger: Ledger, department: str) -> str:
    """A supervisor answers for its own: a wallet is read; workers show by themselves that they are alive."""
    await ledger.wallet(department)
    return ""


def _problems(group: BaseExceptionGroup[Exception]) -> list[str]:
    """What was said, however deeply it is wrapped."""
    problems: list[str] = []
    for error in group.exceptions:
        problems += _problems(error) if isinstance(error, BaseExceptionGroup) else [str(error)]
    return problems


if __name__ == "__main__":
    main()
