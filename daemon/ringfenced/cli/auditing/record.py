"""An entry of the log, read for a report or a SIEM. Pure, and forgiving: what cannot be read is empty, never an error.

Whether an entry is what it should be is for `ringfence audit verify` to say. Here a damaged one is passed on as such.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from ringfence.translog import leaf_hash
from ringfenced.cli.auditing.times import TIME_MAX_UNIX_MS

UNREADABLE: Final = "unreadable"
"""The kind of an entry that is no JSON object."""


class Severity(IntEnum):
    """How much an entry matters to whoever is on watch; each format has numbers of its own for it."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One entry."""

    index: int
    """Its place in the log."""
    entry: bytes
    """Its exact bytes."""
    fields: Mapping[str, Any]
    """What it says; empty where it cannot be read."""

    @classmethod
    def of(cls, index: int, entry: bytes) -> Record:
        """Read an entry."""
        try:
            fields = json.loads(entry)
        except (ValueError, RecursionError):
            fields = None
        return cls(index, entry, fields if isinstance(fields, dict) else {})

    @property
    def leaf(self) -> str:
        """Hash of its leaf (RFC 6962), hex: the entry's name in every log that holds it."""
        return leaf_hash(self.entry).hex()

    @property
    def kind(self) -> str:
        """What it tells of."""
        return self.text("kind") or UNREADABLE

    @property
    def time_unix_ms(self) -> int:
        """When it was written, by the agent's clock; 0 where it does not say, and never past the year 9999."""
        return min(max(0, self.number("time_unix_ms") or 0), TIME_MAX_UNIX_MS)

    @property
    def level(self) -> str:
        """The level under which something left or was to leave; empty where it bears no label."""
        return self._label("label")

    @property
    def level_before(self) -> str:
        """The same before de-identification."""
        return self._label("label_before")

    @property
    def label(self) -> str:
        """The whole label as people write it; empty where there is none."""
        categories = ", ".join(self.categories)
        return f"{self.level} {{{categories}}}" if categories else self.level

    @property
    def categories(self) -> tuple[str, ...]:
        """The label's categories."""
        label = self.fields.get("label")
        found = label.get("categories") if isinstance(label, dict) else None
        return tuple(str(each) for each in found) if isinstance(found, list) else ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Rules that refused it, or why it ended."""
        found = self.fields.get("reasons")
        return tuple(str(each) for each in found) if isinstance(found, list) else ()

    def text(self, name: str) -> str:
        """A field that is a string; empty where it is none."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int | None:
        """A field that is a whole number; None where it is none."""
        value = self.fields.get(name)
        return value if type(value) is int else None

    def counts(self, name: str) -> dict[str, int]:
        """A field that counts things by name, in the names' order."""
        value = self.fields.get(name)
        return {key: value[key] for key in sorted(value) if type(value[key]) is int} if isinstance(value, dict) else {}

    def _label(self, name: str) -> str:
        label = self.fields.get(name)
        level = label.get("level") if isinstance(label, dict) else None
        return level if isinstance(level, str) else ""


def severity(record: Record) -> Severity:
    """How much it matters.

    High: what the agent found and the daemon had missed, a permit that does not hold, egress stopped, an entry that
    cannot be read. Medium: other refusals, egress allowed again. Low: a provider failed, a key changed.
    """
    match record.kind:
        case "refusal":
            grave = any(reason == "residual" or reason.startswith("permit.") for reason in record.reasons)
            return Severity.HIGH if grave else Severity.MEDIUM
        case "lockdown":
            return Severity.HIGH if record.number("on") else Severity.MEDIUM
        case "outcome":
            return Severity.INFORMATIONAL if record.text("outcome") == "answered" else Severity.LOW
        case "key":
            return Severity.LOW
        case "intent" | "start":
            return Severity.INFORMATIONAL
        case kind:
            return Severity.HIGH if kind == UNREADABLE else Severity.LOW


def sentence(record: Record) -> str:
    """What an entry tells, in one sentence for people."""
    to = f"{record.text('provider') or '?'}/{record.text('model') or '?'}"
    who = record.text("department") or "an unverified daemon"
    under = f" under {record.label}" if record.label else ""
    why = ", ".join(record.reasons)
    match record.kind:
        case "intent":
            said = f"{who} sends {record.number('bytes_out') or 0} bytes to {to}{under}"
        case "refusal":
            said = f"{who} may not send to {to}{under}: {why}"
        case "outcome":
            ended = record.text("outcome") + (f" ({why})" if why else "")
            said = f"the request of #{record.number('intent')} to {to} ended: {ended}"
        case "lockdown":
            said = _lockdown(record)
        case "key":
            said = f"the API key of {record.text('provider') or '?'} was read anew"
        case "start":
            said = "the agent started"
        case kind:
            said = f"an entry of kind {kind}"
    return said


def _lockdown(record: Record) -> str:
    """An order to stop egress, or to allow it; it may still wait for further operators."""
    order = "stop" if record.number("on") else "allow"
    missing = record.number("missing") or 0
    done = f"an order to {order} egress waits for {missing} more operators" if missing else f"egress: {order}"
    return done + (f" ({record.text('why')})" if record.text("why") else "")
