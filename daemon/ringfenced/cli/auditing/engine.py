"""The rules at work. Pure: entries and times in, alerts out; its state can be kept and gone on from.

A rule's hits about one subject within its quiet time are held back and counted, and so are those over its number in an
hour. Times are those of what hit: an entry's own, or the clock's where time itself did.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ringfenced.cli.auditing.alert import Alert
from ringfenced.cli.auditing.checks import (
    Check,
    FirstUseCheck,
    Hit,
    RateCheck,
    SeenCheck,
    SilenceCheck,
    key_of,
    newest,
)
from ringfenced.cli.auditing.norms import NormCheck
from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.rules import FirstUse, Norm, Rate, Rule, Rules, Seen, Silence

_HOUR_MS: Final = 3_600_000


@dataclass(slots=True)
class _Running:
    """One rule, and what of it was told."""

    rule: Rule
    check: Check
    told: dict[str, list[int]] = field(default_factory=dict)
    """By subject: when it was told last, and how often it was held back since."""
    hour: deque[int] = field(default_factory=deque)
    """When it was told in the last hour."""

    def alert(self, hit: Hit, unix_ms: int, index: int | None) -> Alert | None:
        """The alert of a hit; None where it is held back."""
        last = newest(self.told, key_of(hit.subject), [-1, 0])
        while self.hour and self.hour[0] <= unix_ms - _HOUR_MS:
            self.hour.popleft()
        quiet = last[0] >= 0 and unix_ms < last[0] + self.rule.quiet_seconds * 1000
        if quiet or len(self.hour) >= self.rule.alerts_per_hour_max:
            last[1] += 1
            return None
        held_back, last[0], last[1] = last[1], unix_ms, 0
        self.hour.append(unix_ms)
        rule = self.rule
        return Alert(
            rule=rule.name,
            severity=rule.severity,
            said=f"{rule.name}: {hit.said}",
            time_unix_ms=unix_ms,
            subject=dict(hit.subject),
            index=index,
            held_back=held_back,
            actions=rule.actions,
            lockdown=rule.lockdown,
        )

    @property
    def digest(self) -> str:
        """Names the rule as it is written: the state of another is of no use to it."""
        return hashlib.sha256(self.rule.model_dump_json().encode()).hexdigest()


class Engine:
    """Every rule of a file. For one thread."""

    def __init__(self, rules: Rules, now_unix_ms: int) -> None:
        """Begin; silence counts from now on."""
        self._running = [_Running(rule, _check(rule)) for rule in rules.all()]
        self._heard_unix_ms = self._entry_unix_ms = now_unix_ms

    def see(self, record: Record, now_unix_ms: int, *, learn: bool = False) -> list[Alert]:
        """The next entry.

        Args:
            record: in the log's order, none twice.
            now_unix_ms: our clock.
            learn: take it in and raise no alert: it is history.
        """
        self._heard_unix_ms = self._entry_unix_ms = now_unix_ms
        found = [(running, running.check.see(record)) for running in self._running]
        if learn:
            return []
        return _alerts(found, record.time_unix_ms, record.index)

    def heard(self, now_unix_ms: int) -> None:
        """The log is there, though nothing may have been written."""
        self._heard_unix_ms = now_unix_ms

    def tick(self, now_unix_ms: int) -> list[Alert]:
        """Time goes by."""
        times = (now_unix_ms, self._heard_unix_ms, self._entry_unix_ms)
        return _alerts([(running, running.check.tick(*times)) for running in self._running], now_unix_ms, None)

    def dump(self) -> dict[str, Any]:
        """The state of every rule, as JSON."""
        return {
            running.rule.name: {
                "digest": running.digest,
                "state": running.check.dump(),
                "told": running.told,
                "hour": list(running.hour),
            }
            for running in self._running
        }

    def load(self, kept: Mapping[str, Any]) -> list[str]:
        """Go on from what `dump` gave; the names of rules that begin afresh, for they are new or were changed."""
        fresh = []
        for running in self._running:
            state = kept.get(running.rule.name)
            if state is None or state["digest"] != running.digest:
                fresh.append(running.rule.name)
                continue
            running.check.load(state["state"])
            running.told = {str(key): [int(last[0]), int(last[1])] for key, last in state["told"].items()}
            running.hour = deque(int(time) for time in state["hour"])
        return fresh


def _alerts(found: list[tuple[_Running, Hit | None]], unix_ms: int, index: int | None) -> list[Alert]:
    """The alerts of the hits that are not held back."""
    alerts = (running.alert(hit, unix_ms, index) for running, hit in found if hit)
    return [alert for alert in alerts if alert]


def _check(rule: Rate | Seen | FirstUse | Norm | Silence) -> Check:
    """The check of a rule."""
    match rule:
        case Rate():
            return RateCheck(rule)
        case Seen():
            return SeenCheck(rule)
        case FirstUse():
            return FirstUseCheck(rule)
        case Norm():
            return NormCheck(rule)
        case Silence():
            return SilenceCheck(rule)
