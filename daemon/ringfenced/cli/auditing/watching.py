"""A watch on its way: entries and time into the rules, alerts out of them, and all of it kept.

1. go on from the cursor, or learn from the last days without a word;
2. take each entry into the rules, and the clock where none comes;
3. hand alerts to their ways, each with a thread of its own;
4. keep place, the rules' state and what was not told yet, in one file, atomically.

Between 3 and 4 a crash tells an alert twice, under the same id, and never loses one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import random
from typing import Any, Final

import grpc

from ringfence.client import Client, RingfenceCallError
from ringfence.v1.audit_pb2 import SearchEntriesRequest
from ringfenced.cli import logfiles, settings
from ringfenced.cli.auditing.alert import Alert
from ringfenced.cli.auditing.backoff import wait_s
from ringfenced.cli.auditing.cursor import CursorFile, Place
from ringfenced.cli.auditing.dispatch import Dispatcher
from ringfenced.cli.auditing.engine import Engine
from ringfenced.cli.auditing.feed import Feed, feeding
from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.rules import STDOUT
from ringfenced.cli.auditing.source import Daemon, Pair
from ringfenced.cli.auditing.ways import STOP
from ringfenced.cli.exits import ExitCode, Failure

TICK_S: Final = 1.0
"""How long the rules wait for an entry before they look at the clock."""
_POLL_S: Final = 10.0
"""How often the log is asked for while nothing is written."""
_SAVE_S: Final = 2.0
"""How often the state is kept while no alert is raised."""

_FATAL: Final = frozenset(
    {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED}
)
"""What no other try mends."""


@dataclass(slots=True)
class Watch:
    """One watch on its way."""

    engine: Engine
    """The rules."""
    dispatcher: Dispatcher
    """The ways to tell."""
    cursor: CursorFile | None
    """Where place and state are kept; None to keep none."""
    place: Place
    """How far it got."""
    show: Callable[[Alert], None]
    """Tells on standard output."""
    told: Callable[[str], None]
    """Says to people what goes wrong."""
    clock_ms: Callable[[], int]
    """Unix milliseconds."""
    learn_until_ms: int = 0
    """What was written before is history: learnt from, and told of to nobody."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set from elsewhere, a signal for example: come to an end between two entries."""
    _saved_ms: int = 0
    _heard_ms: int = 0

    def go_on(self, kept: Any) -> None:
        """Take up what a run before kept."""
        try:
            for name in self.engine.load(kept["rules"]):
                self.told(f"rule {name!r} is new or was changed: it begins afresh")
            self.dispatcher.resume(kept["pending"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Failure("the cursor keeps no state of a watch; give another file", code=ExitCode.USAGE) from None

    def run(self, connection: settings.Connection) -> None:
        """Watch until it is ended.

        Raises:
            Failure: the cursor does not fit the log, or an entry was left out.
            RingfenceCallError: the daemon does not let us watch.
        """
        tries = 0
        while not self.ended.is_set():
            try:
                with feeding(connection.client, self.place.following) as (client, feed):
                    source = Daemon(client)
                    self.place.check(source.origin(), source.entry)
                    while not self.ended.is_set():
                        self._step(client, feed)
                        tries = 0
            except RingfenceCallError as error:
                if error.code in _FATAL:
                    raise
                tries += 1
                self._away(error.message or error.code.name, tries)
            except EOFError:
                tries += 1
                self._away("the stream ended", tries)

    def take(self, batch: list[Pair]) -> None:
        """Entries, then the clock."""
        alerts: list[Alert] = []
        for index, entry in batch:
            record = Record.of(index, entry)
            alerts += self.engine.see(record, self.clock_ms(), learn=record.time_unix_ms < self.learn_until_ms)
        if batch:
            self.place = self.place.after(*batch[-1])
        self._tell(alerts + self.engine.tick(self.clock_ms()))

    def save(self) -> None:
        """Keep place, state and what was not told yet."""
        self._saved_ms = self.clock_ms()
        if self.cursor:
            self.cursor.save(self.place, {"rules": self.engine.dump(), "pending": self.dispatcher.pending()})

    def _step(self, client: Client, feed: Feed) -> None:
        """The next entries, or a second without any."""
        batch = feed.batch(TICK_S)
        now_ms = self.clock_ms()
        if batch:
            self._heard_ms = now_ms
        elif now_ms - self._heard_ms >= _POLL_S * 1000:
            client.checkpoint()
            self._heard_ms = now_ms
            self.engine.heard(now_ms)
        self.take(batch)

    def _tell(self, alerts: list[Alert]) -> None:
        """Show alerts, hand them on, and keep that they were."""
        for alert in alerts:
            if alert.lockdown:
                self.dispatcher.submit(alert, (STOP,))
            if STDOUT in alert.actions:
                self.show(alert)
            self.dispatcher.submit(alert, (name for name in alert.actions if name != STDOUT))
        if alerts or self.clock_ms() - self._saved_ms >= _SAVE_S * 1000:
            self.save()

    def _away(self, why: str, tries: int) -> None:
        """Wait for the daemon; the clock goes on."""
        left_s = wait_s(tries, random)
        self.told(f"the daemon: {why}; trying again in {left_s:.1f} s")
        while left_s > 0 and not self.ended.wait(min(TICK_S, left_s)):
            left_s -= TICK_S
            self._tell(self.engine.tick(self.clock_ms()))


def history(client: Client, origin: str, since_ms: int) -> Place:
    """The place before the first entry that is not older than a moment; the log's end where there is none."""
    query = SearchEntriesRequest(entries_max=1)
    getattr(query, "from").FromMilliseconds(max(0, since_ms))
    first = next((found.index for found in client.entries(query)), None)
    return _end(client, origin) if first is None else _before(client, origin, first)


def _end(client: Client, origin: str) -> Place:
    """The log's end as it is now."""
    return _before(client, origin, logfiles.size_of(client.checkpoint().checkpoint))


def _before(client: Client, origin: str, index: int) -> Place:
    """The place before an entry."""
    return Place(origin).after(index - 1, client.entry(index - 1).entry) if index else Place(origin)
