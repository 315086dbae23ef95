"""`ringfence audit watch`: rules over the log as it is written, and alerts."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfence.configfile import ConfigError, load
from ringfenced.cli import settings
from ringfenced.cli.auditing.alert import Alert
from ringfenced.cli.auditing.cursor import CursorFile, Place
from ringfenced.cli.auditing.dispatch import Dispatcher
from ringfenced.cli.auditing.engine import Engine
from ringfenced.cli.auditing.facts import Facts
from ringfenced.cli.auditing.rules import Rules
from ringfenced.cli.auditing.source import Daemon
from ringfenced.cli.auditing.watching import Watch, history
from ringfenced.cli.auditing.ways import STOP, ways
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option

_DAY_MS: Final = 86_400_000
_STOP_TRIES_MAX: Final = 1_000_000
"""An order to stop egress is not given up."""
_LAST_WORDS_S: Final = 2.0


def watch(
    context: typer.Context,
    *,
    rules: Annotated[Path, typer.Option(metavar="FILE", help="The rules, TOML; see examples/rules.toml.")],
    cursor: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keeps place and state, so that a restart misses nothing.")
    ] = None,
    learn_days: Annotated[
        int, typer.Option(min=0, max=366, help="A first run learns from so many days, and raises no alert on them.")
    ] = 30,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the rules can be used.")] = False,
    host: Annotated[str, typer.Option(help="Name of this machine in syslog messages; else its own.")] = "",
    as_json: json_option = False,
) -> None:
    """Watch the log by rules, and raise alerts: on standard output, by webhook, syslog or a program. Role: auditor.

    A rule may also stop egress, with an operator's certificate that the rules file names.

    Examples:
    - `ringfence audit watch --rules examples/rules.toml --check`
    - `ringfence --certs run/certs --as auditor audit watch --rules rules.toml --cursor watch.cursor`
    """
    output = Output.of(as_json=as_json)
    found = read(rules)
    if check:
        output.line(f"{rules}: {len(list(found.all()))} rules, {len(list(found.ways()))} ways to tell")
        return
    with ExitStack() as stack:
        connection = settings.load(context.obj)
        client = stack.enter_context(connection.client())
        source = Daemon(client)
        facts = Facts(version("ringfence"), host or socket.gethostname(), source.origin())
        kept = CursorFile(cursor) if cursor else None
        if kept:
            stack.enter_context(kept.locked())
        place, state = kept.load(facts.origin) if kept else (Place(facts.origin), None)
        dispatcher = Dispatcher(ways(found, facts, connection, output.remark), output.remark, {STOP: _STOP_TRIES_MAX})
        stack.callback(dispatcher.end)
        now_ms = clock_ms()
        running = Watch(
            Engine(found, now_ms), dispatcher, kept, place, lambda alert: show(output, alert), output.remark, clock_ms
        )
        if state is None:
            running.learn_until_ms = now_ms
            running.place = history(client, facts.origin, now_ms - learn_days * _DAY_MS)
        else:
            running.go_on(state)
        with _ended_by_a_signal(running.ended):
            running.run(connection)
        dispatcher.drained(_LAST_WORDS_S)
        running.save()


def read(path: Path) -> Rules:
    """The rules of a file.

    Raises:
        Failure: they cannot be used; says file, line and what to write.
    """
    try:
        return load(path, Rules)
    except ConfigError as error:
        first, *more = str(error).splitlines()
        raise Failure(first, code=ExitCode.USAGE, advice=tuple(more)) from None


def show(output: Output, alert: Alert) -> None:
    """An alert on standard output."""
    if output.as_json:
        output.json(alert.fields())
        return
    about = ", ".join(f"{name} {value}" for name, value in alert.subject.items())
    held = f" ({alert.held_back} more were held back)" if alert.held_back else ""
    style = {"high": "bold red", "medium": "yellow"}.get(alert.severity, "")
    output.line(
        f"{alert.fields()['time']} {alert.severity.upper()} {alert.said}{f' [{about}]' if about else ''}{held}",
        style=style,
    )


def clock_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


@contextmanager
def _ended_by_a_signal(ended: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C end it between two entries; what was kept then is whole."""

    def end(_number: int, _frame: object) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
