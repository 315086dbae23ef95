"""What rules look for, one class a table of the rules file. Pure: entries and a clock in, hits out; state to keep.

Every state is bounded: names come from permits, and a daemon that is somebody else's could make up any number of them.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.rules import FirstUse, Matching, Rate, Seen, Silence
from ringfenced.cli.auditing.times import iso

V = TypeVar("V")

SUBJECTS_MAX: Final = 5_000
"""How many subjects a rule keeps apart; the one that was not heard of for longest is forgotten first."""
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_SITE: Final = "site"


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that applies."""

    said: str
    """What happened, in one sentence."""
    subject: Mapping[str, str] = field(default_factory=dict)
    """Whom or what it is about."""


class Check(Protocol):
    """One rule at work."""

    def see(self, record: Record) -> Hit | None:
        """The next entry."""
        ...

    def tick(self, now_unix_ms: int, heard_unix_ms: int, entry_unix_ms: int) -> Hit | None:
        """Time goes by.

        Args:
            now_unix_ms: our clock.
            heard_unix_ms: when, by it, the log was last seen to be there.
            entry_unix_ms: when, by it, the last entry came.
        """
        ...

    def dump(self) -> Any:
        """What `load` needs to go on, as JSON."""
        ...

    def load(self, state: Any) -> None:
        """Go on from what `dump` gave."""
        ...


class Quiet:
    """What checks have in common that keep nothing and mind no clock."""

    def tick(self, now_unix_ms: int, heard_unix_ms: int, entry_unix_ms: int) -> Hit | None:
        """Nothing comes of time alone."""
        del now_unix_ms, heard_unix_ms, entry_unix_ms
        return None

    def dump(self) -> Any:
        """Nothing to keep."""
        return None

    def load(self, state: Any) -> None:
        """Nothing was kept."""


class SeenCheck(Quiet):
    """Each entry that matches."""

    def __init__(self, rule: Seen) -> None:
        """Look for `rule`."""
        self._rule = rule

    def see(self, record: Record) -> Hit | None:
        """Whether it matches."""
        if not matches(self._rule, record):
            return None
        what = ", ".join(record.reasons) or record.text("outcome")
        return Hit(
            f"entry #{record.index}: {record.kind}" + (f" ({what})" if what else ""), subject(record, self._rule.per)
        )


class RateCheck(Quiet):
    """More than so many within a time."""

    def __init__(self, rule: Rate) -> None:
        """Count for `rule`."""
        self._rule = rule
        self._times: dict[str, deque[int]] = {}

    def see(self, record: Record) -> Hit | None:
        """Count it."""
        if not matches(self._rule, record):
            return None
        about = subject(record, self._rule.per)
        times = newest(self._times, key_of(about), deque(maxlen=self._rule.limit + 1))
        times.append(record.time_unix_ms)
        while times[0] < record.time_unix_ms - self._rule.window_seconds * 1000:
            times.popleft()
        if len(times) <= self._rule.limit:
            return None
        return Hit(f"more than {self._rule.limit} entries within {self._rule.window_seconds} s", about)

    def dump(self) -> Any:
        """Times by subject; without those who have been quiet for longer than the window."""
        newest_ms = max((times[-1] for times in self._times.values()), default=0)
        since_ms = newest_ms - self._rule.window_seconds * 1000
        return {key: list(times) for key, times in self._times.items() if times[-1] >= since_ms}

    def load(self, state: Any) -> None:
        """Likewise."""
        size = self._rule.limit + 1
        self._times = {str(key): deque((int(time) for time in times), size) for key, times in state.items()}


class FirstUseCheck(Quiet):
    """New pairs of who and whither."""

    def __init__(self, rule: FirstUse) -> None:
        """Look for `rule`."""
        self._rule = rule
        self._known: dict[str, int] = {}
        self._learnt_until_ms: int | None = None

    def see(self, record: Record) -> Hit | None:
        """Whether it is the first."""
        if self._learnt_until_ms is None:
            self._learnt_until_ms = record.time_unix_ms + self._rule.learn_days * _DAY_MS
        if record.kind != "intent":
            return None
        about = subject(record, self._rule.by) | subject(record, "provider")
        about |= subject(record, "model") if self._rule.of == "model" else {}
        key = key_of(about)
        before = len(self._known)
        newest(self._known, key, record.index)
        if len(self._known) == before or record.time_unix_ms < self._learnt_until_ms:
            return None
        to = "/".join(about[name] for name in ("provider", "model") if name in about)
        return Hit(f"{about.get(self._rule.by, 'the site')} sends to {to} for the first time", about)

    def dump(self) -> Any:
        """What is known."""
        return {"known": self._known, "learnt_until_ms": self._learnt_until_ms}

    def load(self, state: Any) -> None:
        """Likewise."""
        self._known = {str(key): int(index) for key, index in state["known"].items()}
        until = state["learnt_until_ms"]
        self._learnt_until_ms = None if until is None else int(until)


class SilenceCheck(Quiet):
    """Nothing heard for a time, in certain hours."""

    def __init__(self, rule: Silence) -> None:
        """Listen for `rule`."""
        self._rule = rule

    def see(self, record: Record) -> Hit | None:
        """An entry is no silence."""
        del record
        return None

    def tick(self, now_unix_ms: int, heard_unix_ms: int, entry_unix_ms: int) -> Hit | None:
        """Whether it has been too long."""
        last = heard_unix_ms if self._rule.of == "log" else entry_unix_ms
        minutes = (now_unix_ms - last) // _MINUTE_MS
        if minutes < self._rule.minutes or not self._applies(now_unix_ms):
            return None
        what = "the log was not seen" if self._rule.of == "log" else "no entry was written"
        return Hit(f"{what} for {minutes} minutes")

    def _applies(self, now_unix_ms: int) -> bool:
        """Whether these are the hours."""
        if self._rule.between is None:
            return True
        start, _, end = self._rule.between.partition("-")
        now = iso(now_unix_ms)[11:16]
        return start <= now < end if start <= end else now >= start or now < end


def matches(rule: Matching, record: Record) -> bool:
    """Whether an entry is of the rule's kinds, reasons and outcomes."""
    return (
        (not rule.kinds or record.kind in rule.kinds)
        and (not rule.outcomes or record.text("outcome") in rule.outcomes)
        and (not rule.reasons or any(_like(reason, rule.reasons) for reason in record.reasons))
    )


def subject(record: Record, per: str) -> dict[str, str]:
    """Whom an entry is about; nobody in particular where the whole site is meant."""
    return {} if per == _SITE else {per: record.text(per) or "-"}


def newest(kept: dict[str, V], key: str, fresh: V) -> V:
    """A subject's value, which becomes the newest; the oldest of too many is forgotten."""
    found = kept.pop(key, fresh)
    kept[key] = found
    if len(kept) > SUBJECTS_MAX:
        del kept[next(iter(kept))]
    return found


def _like(reason: str, patterns: Sequence[str]) -> bool:
    """Whether a reason is one of these; a star at the end stands for anything."""
    return any(reason.startswith(pattern[:-1]) if pattern.endswith("*") else reason == pattern for pattern in patterns)


def key_of(about: Mapping[str, str]) -> str:
    """A subject as a dictionary's key: two have the same only where they are the same, whatever stands in a name."""
    return json.dumps(sorted(about.items()))
