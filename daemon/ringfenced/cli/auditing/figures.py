"""What the entries of a month come to. Pure: entries in, figures out, in memory that does not grow with the log.

Names come from permits, so that there may be any number of them; of each table at most `ROWS_MAX` rows are told apart,
and what is left is summed up under `OTHERS`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from ringfenced.cli.auditing.record import UNREADABLE, Record, sentence
from ringfenced.cli.auditing.times import day

ROWS_MAX: Final = 50_000
EVENTS_MAX: Final = 5_000
"""Orders, keys, starts: how many are told one by one; the newest are left out."""
OPEN_MAX: Final = 100_000
"""Intents that wait for their outcome at one time; of more the oldest is not joined with its outcome."""
OTHERS: Final = "(others)"
NONE: Final = "-"
"""Where an entry does not say."""

Key = tuple[str, ...]
"""What names a row."""


@dataclass(slots=True)
class Tally:
    """What one row comes to."""

    sent: int = 0
    """Requests that left: intents but those that came to nothing."""
    refused: int = 0
    """Requests that did not."""
    answered: int = 0
    """Requests that a provider answered to the end."""
    failed: int = 0
    """Requests that failed, were cancelled, or whose end nobody knows."""
    bytes_out: int = 0
    """Bytes of the requests that left."""
    bytes_in: int = 0
    """Bytes of the answers."""
    cost_microcredits: int = 0
    """What answers cost."""


@dataclass(slots=True)
class Event:
    """One thing that is told by itself."""

    time_unix_ms: int
    """When."""
    index: int
    """Its entry."""
    kind: str
    """lockdown, key, start, or a kind that is not known here."""
    said: str
    """What it was."""
    by: str
    """Pseudonym of who ordered it; empty where nobody did."""


@dataclass(slots=True)
class _Open:
    """What an outcome does not repeat of its intent."""

    caller: Key
    label: Key


@dataclass(slots=True)
class Figures:
    """A month, or any other stretch of the log."""

    entries: int = 0
    """How many."""
    unreadable: int = 0
    """How many of them are no JSON objects."""
    first: int | None = None
    """Index of the first."""
    last: int | None = None
    """Index of the last."""
    total: Tally = field(default_factory=Tally)
    """Everything."""
    days: dict[Key, Tally] = field(default_factory=dict)
    """By day, in order."""
    destinations: dict[Key, Tally] = field(default_factory=dict)
    """By provider, model and region."""
    labels: dict[Key, Tally] = field(default_factory=dict)
    """By label after and level before de-identification."""
    departments: dict[Key, Tally] = field(default_factory=dict)
    """By department."""
    callers: dict[Key, Tally] = field(default_factory=dict)
    """By pseudonym and department."""
    findings_before: Counter[str] = field(default_factory=Counter)
    """By type: what the daemon found before de-identification, in requests that left."""
    findings_sent: Counter[str] = field(default_factory=Counter)
    """By type: what the agent found in what left, and the provider was cleared for."""
    findings_refused: Counter[str] = field(default_factory=Counter)
    """By type: what the agent found in what it refused."""
    refusals: Counter[Key] = field(default_factory=Counter)
    """By reason and department; a refusal with several reasons counts under each."""
    outcomes: Counter[Key] = field(default_factory=Counter)
    """By outcome and reason."""
    events: list[Event] = field(default_factory=list)
    """Orders, keys, starts."""
    events_left_out: int = 0
    """How many more there were."""
    _open: dict[int, _Open] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """The next entry."""
        self.entries += 1
        self.first = record.index if self.first is None else self.first
        self.last = record.index
        match record.kind:
            case "intent":
                self._intent(record)
            case "outcome":
                self._outcome(record)
            case "refusal":
                self._refusal(record)
            case kind:
                self.unreadable += kind == UNREADABLE
                self._event(record)

    def _intent(self, record: Record) -> None:
        about = _Open(_caller(record), (record.label or NONE, record.level_before or NONE))
        self._open[record.index] = about
        if len(self._open) > OPEN_MAX:
            del self._open[next(iter(self._open))]
        for tally in self._rows(record, about):
            tally.sent += 1
            tally.bytes_out += max(0, record.number("bytes_out") or 0)
        _count(self.findings_before, record.counts("findings_before"))
        _count(self.findings_sent, record.counts("findings"))

    def _outcome(self, record: Record) -> None:
        about = self._open.pop(
            record.number("intent") or 0, _Open((NONE, record.text("department") or NONE), (NONE, NONE))
        )
        came_to_nothing = record.text("outcome") == "cancelled" and record.reasons == ("before_sending",)
        for tally in self._rows(record, about):
            if came_to_nothing:
                tally.sent -= 1
                tally.bytes_out -= max(0, record.number("bytes_out") or 0)
            elif record.text("outcome") == "answered":
                tally.answered += 1
            else:
                tally.failed += 1
            tally.bytes_in += max(0, record.number("bytes_in") or 0)
            tally.cost_microcredits += max(0, record.number("cost_microcredits") or 0)
        _add(self.outcomes, (record.text("outcome") or NONE, ", ".join(record.reasons) or NONE))

    def _refusal(self, record: Record) -> None:
        about = _Open(_caller(record), (record.label or NONE, record.level_before or NONE))
        for tally in self._rows(record, about):
            tally.refused += 1
        for reason in record.reasons or (NONE,):
            _add(self.refusals, (reason, record.text("department") or NONE))
        _count(self.findings_refused, record.counts("findings"))

    def _event(self, record: Record) -> None:
        if len(self.events) == EVENTS_MAX:
            self.events_left_out += 1
            return
        by = record.text("caller")
        self.events.append(Event(record.time_unix_ms, record.index, record.kind, sentence(record), by))

    def _rows(self, record: Record, about: _Open) -> tuple[Tally, ...]:
        """Every row that an entry counts in."""
        to = tuple(record.text(name) or NONE for name in ("provider", "model", "region"))
        return (
            self.total,
            _row(self.days, (day(record.time_unix_ms),)),
            _row(self.destinations, to),
            _row(self.labels, about.label),
            _row(self.departments, (record.text("department") or NONE,)),
            _row(self.callers, about.caller),
        )


def _caller(record: Record) -> Key:
    """Pseudonym and department."""
    return record.text("caller") or NONE, record.text("department") or NONE


def _row(table: dict[Key, Tally], key: Key) -> Tally:
    """A table's row; the one of all others where there are too many."""
    if key not in table and len(table) >= ROWS_MAX:
        key = tuple(OTHERS for _ in key)
    return table.setdefault(key, Tally())


def _add(counter: Counter[Key], key: Key) -> None:
    """Count one more; under the others where there are too many."""
    counter[key if key in counter or len(counter) < ROWS_MAX else (OTHERS, OTHERS)] += 1


def _count(counter: Counter[str], found: dict[str, int]) -> None:
    """Count more of several; under the others where there are too many."""
    for name, count in found.items():
        counter[name if name in counter or len(counter) < ROWS_MAX else OTHERS] += max(0, count)
