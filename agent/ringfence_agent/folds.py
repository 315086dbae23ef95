"""What the log says so far: values that follow from its entries, one after the other. Pure.

A fold sees every durable entry in order, at the start those of the past. It can be put aside as JSON and taken up
again, so that a start need not read ten million entries; what it says then is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ringfence_agent.entry import Kind

REMEMBERED_MS: Final = 60_000
"""How far back nonces are kept; more than a permit's life and both clocks' skew, 34 s (ringfence.permit)."""


class Fold(Protocol):
    """Something that follows from the log's entries alone. Used by one thread."""

    def see(self, index: int, record: Mapping[str, Any]) -> None:
        """Take in the next entry. It must not raise, whatever the entry says."""

    def dump(self) -> Any:
        """All of it as a JSON value that nobody changes afterwards."""

    def load(self, value: Any) -> None:
        """Be what `dump` gave, and forget what was seen; ValueError, KeyError or TypeError where it is no dump."""


@dataclass(slots=True)
class Recovered:
    """What is still open, and which permits were used."""

    open_intents: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """Intents without an outcome, by index."""
    nonces: dict[str, int] = field(default_factory=dict)
    """Digest of each nonce of the last `REMEMBERED_MS` before the newest entry, and its entry's time."""
    newest_unix_ms: int = 0
    """Time of the newest entry."""

    def see(self, index: int, record: Mapping[str, Any]) -> None:
        """Take in one entry."""
        self.newest_unix_ms = max(self.newest_unix_ms, record["time_unix_ms"])
        if record["kind"] == Kind.INTENT:
            self.open_intents[index] = record
        elif record["kind"] == Kind.OUTCOME:
            self.open_intents.pop(record.get("intent", -1), None)
        if nonce := record.get("nonce_sha256"):
            self.nonces[nonce] = record["time_unix_ms"]
            while self.newest_unix_ms - self.nonces[oldest := next(iter(self.nonces))] > REMEMBERED_MS:
                del self.nonces[oldest]

    def dump(self) -> Any:
        """All of it."""
        intents = [[index, dict(record)] for index, record in self.open_intents.items()]
        return {"open_intents": intents, "nonces": dict(self.nonces), "newest_unix_ms": self.newest_unix_ms}

    def load(self, value: Any) -> None:
        """Be what was dumped."""
        self.open_intents = {int(index): dict(record) for index, record in value["open_intents"]}
        self.nonces = {str(nonce): int(unix_ms) for nonce, unix_ms in value["nonces"].items()}
        self.newest_unix_ms = int(value["newest_unix_ms"])
