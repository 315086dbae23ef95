"""`ringfence audit export`: every entry to a SIEM, at least once.

The cursor moves only after the sink took the entries before it. So a sink that is down, a process that is killed or a
machine that stops costs nothing but some entries that arrive twice; each bears its index and its leaf's hash.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import grpc
import typer

from ringfence.client import RingfenceCallError
from ringfenced.cli import settings
from ringfenced.cli.auditing.backoff import wait_s
from ringfenced.cli.auditing.cursor import CursorFile, Place
from ringfenced.cli.auditing.facts import Facts
from ringfenced.cli.auditing.feed import BATCH_ENTRIES, feeding
from ringfenced.cli.auditing.formats import FORMATS, Envelope
from ringfenced.cli.auditing.framing import FRAMES, Framing
from ringfenced.cli.auditing.netsinks import StreamSink, Trust
from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.sinks import FileSink, Sink, SinkError, StdoutSink, UnixSink
from ringfenced.cli.auditing.source import Daemon, Folder, Pair, Source, contiguous
from ringfenced.cli.auditing.target import Target, Way, target
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output

TRIES_MAX: Final = 5
"""How often an export that does not follow tries a sink or a daemon that is away."""
_IDLE_S: Final = 5.0

_AWAY: Final = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED, grpc.StatusCode.ABORTED,
     grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
)  # fmt: skip
"""What another try may mend."""


@dataclass(slots=True)
class Export:
    """One export on its way."""

    sink: Sink
    """Where records go."""
    form: Callable[[Record], bytes]
    """An entry's record."""
    cursor: CursorFile | None
    """Where the place is kept; None to keep none."""
    place: Place
    """How far it got."""
    told: Callable[[str], None]
    """Told to people: a sink that is away."""
    patient: bool
    """Try for ever."""
    pause: Callable[[float], None] = time.sleep
    """Waits so many seconds."""

    def take(self, pairs: Iterable[Pair]) -> int:
        """Deliver entries and move the cursor; how many there were.

        Raises:
            Failure: the sink stays away.
        """
        count, rest = 0, iter(pairs)
        while batch := list(islice(rest, BATCH_ENTRIES)):
            self._deliver([self.form(Record.of(index, entry)) for index, entry in batch])
            self.place = self.place.after(*batch[-1])
            if self.cursor:
                self.cursor.save(self.place)
            count += len(batch)
        return count

    def _deliver(self, records: list[bytes]) -> None:
        """Try until they have arrived."""
        tries = 0
        while True:
            try:
                self.sink.deliver(records)
            except SinkError as error:
                tries += 1
                if not self.patient and tries == TRIES_MAX:
                    advice = ("nothing is lost: the next export goes on from the cursor",) if self.cursor else ()
                    raise Failure(str(error), code=ExitCode.UNAVAILABLE, advice=advice) from None
                self._wait(f"{error}", tries)
            else:
                return

    def _wait(self, why: str, tries: int) -> None:
        """Tell and wait."""
        seconds = wait_s(tries, random.random)
        self.told(f"{why}; trying again in {seconds:.1f} s")
        self.pause(seconds)

    def follow(self, connection: settings.Connection) -> None:
        """Deliver entries as they are written, for ever.

        Raises:
            Failure: the cursor does not fit the log, or the daemon does not let us read it.
        """
        tries = 0
        while True:
            try:
                with feeding(connection.client, self.place.following) as (client, feed):
                    source = Daemon(client)
                    self.place.check(source.origin(), source.entry)
                    while True:
                        if self.take(feed.batch(_IDLE_S)):
                            tries = 0
            except RingfenceCallError as error:
                if error.code not in _AWAY:
                    raise
                tries += 1
                self._wait(f"the daemon: {error.message or error.code.name}", tries)
            except EOFError:
                tries += 1
                self._wait("the daemon ended the stream", tries)


def export(
    context: typer.Context,
    *,
    form: Annotated[str, typer.Option("--format", help="ocsf, cef, rfc5424 or ndjson.")],
    to: Annotated[str, typer.Option(help="FILE, -, tcp+tls://host:port, or unix:/path of a socket.")],
    cursor: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keeps how far it got; the next export goes on from there.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The agent's log folder, or a copy; else the daemon is asked.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with entries as they are written.")] = False,
    framing: Annotated[
        Framing, typer.Option(help="octets: syslog (RFC 5425); lines: a record a line.")
    ] = Framing.OCTETS,
    ca: Annotated[
        Path | None, typer.Option("--sink-ca", help="Whom to trust as the server; PEM; else the system's.")
    ] = None,
    cert: Annotated[Path | None, typer.Option("--sink-cert", help="Our certificate for the server; PEM.")] = None,
    key: Annotated[Path | None, typer.Option("--sink-key", help="Its private key; PEM.")] = None,
    name: Annotated[str, typer.Option("--sink-name", help="Name in the server's certificate; else the host's.")] = "",
    host: Annotated[str, typer.Option(help="Name of this machine in records; else its own.")] = "",
) -> None:
    """Hand every entry to a SIEM, at least once, in order. Role: auditor; none with --log.

    Each record bears the entry's index and leaf hash, so that one that comes twice is told. With --follow it goes on
    for ever, and through restarts of sink, daemon and agent; it reads by index and holds up nobody.

    Examples:
    - `ringfence audit export --log run/log --format ndjson --to entries.ndjson --cursor entries.cursor`
    - `ringfence --certs run/certs --as auditor audit export --format ocsf --to tcp+tls://siem.example:6514
      --sink-ca siem-ca.pem --cursor siem.cursor --follow`
    """
    if form not in FORMATS:
        raise Failure(f"no format {form!r}", code=ExitCode.USAGE, advice=(f"write one of {', '.join(FORMATS)}",))
    if follow and log:
        raise Failure("--follow asks the daemon; leave out --log", code=ExitCode.USAGE)
    place_of = _target(to)
    envelope = Envelope(FORMATS[form], syslog=place_of.syslog and framing is Framing.OCTETS)
    remark = Output.of(as_json=False).remark
    with ExitStack() as stack:
        kept = CursorFile(cursor) if cursor else None
        if kept:
            stack.enter_context(kept.locked())
        connection = None if log else settings.load(context.obj)
        source: Source = Folder(log) if log else Daemon(stack.enter_context(_some(connection).client()))
        origin = source.origin()
        facts = Facts(version("ringfence"), host or socket.gethostname(), origin)
        place = kept.load(origin)[0] if kept else Place(origin)
        place.check(origin, source.entry)
        sink = _sink(place_of, Trust(ca, cert, key, name), framing)
        running = Export(sink, lambda record: envelope(record, facts), kept, place, remark, patient=follow)
        if follow:
            with suppress(KeyboardInterrupt):
                running.follow(_some(connection))
            return
        count = running.take(contiguous(source.entries(place.following), place.following))
        _end(sink)
        remark(f"{count} entries delivered to {place_of}")


def _target(text: str) -> Target:
    """Where to; over a network only with TLS."""
    try:
        found = target(text)
    except ValueError as error:
        raise Failure(str(error), code=ExitCode.USAGE) from None
    if found.way in {Way.TCP, Way.UDP}:
        raise Failure(f"{found} is not encrypted; write tcp+tls://, or unix: for this machine", code=ExitCode.USAGE)
    return found


def _sink(place: Target, trust: Trust, framing: Framing) -> Sink:
    """The sink of a target."""
    match place.way:
        case Way.STDOUT:
            return StdoutSink()
        case Way.FILE:
            return FileSink(place.path)
        case Way.UNIX:
            return UnixSink(place.path)
    try:
        return StreamSink(place, trust.context(), name=trust.name, frame=FRAMES[framing])
    except OSError as error:
        text = f"cannot use --sink-ca, --sink-cert or --sink-key: {error.strerror or error}"
        raise Failure(text, code=ExitCode.USAGE) from None


def _end(sink: Sink) -> None:
    """Close in order."""
    try:
        sink.close()
    except SinkError as error:
        raise Failure(str(error), code=ExitCode.UNAVAILABLE) from None


def _some(connection: settings.Connection | None) -> settings.Connection:
    """The connection, which is there wherever no folder is."""
    assert connection is not None
    return connection
