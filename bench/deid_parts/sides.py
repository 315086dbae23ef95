"""What is measured: ours in this process, each peer in one of its own, with its own libraries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from peers.child import Child
from ringfence.recognize import Recogniser, Scan

WARM_UP = "Dr. Ann Example was seen on 1 January 2020."
"""The first scan touches every page; nobody's time."""
PEER_LANGUAGES = frozenset({"en", "es", "fr", "de"})


class Found(NamedTuple):
    """What a side found in one text."""

    spans: Sequence[tuple[int, int, str]]
    """First character, one past the last, type."""
    wall_ms: float
    """Time that it took; of a peer, with the way through the pipe."""
    cpu_ms: float
    """CPU time of its process, for the scan alone."""


class Side(Protocol):
    """Somebody to measure."""

    name: str
    """For the table."""

    def find(self, text: str, lang: str, policy: str) -> Found:
        """Scan one text under a policy."""
        ...


@dataclass(slots=True)
class Ours:
    """Ringfence, in this process."""

    name: str
    make: Callable[[str], Recogniser]
    """Policy to recogniser."""
    patterns_only: bool = False
    """Whether its patterns are measured alone."""
    _scans: dict[str, Scan] = field(default_factory=dict)

    def find(self, text: str, lang: str, policy: str) -> Found:
        """Scan one text. The language is not used: a site does not know it either.

        Raises:
            KeyError: no such policy.
        """
        del lang
        scan = self._scans.get(policy) or self._start(policy)
        wall, cpu = time.perf_counter(), time.process_time()
        findings = scan(text)
        cpu_ms, wall_ms = (time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3
        return Found([(found.start, found.end, found.entity_type) for found in findings], wall_ms, cpu_ms)

    def _start(self, policy: str) -> Scan:
        recogniser = self.make(policy)
        scan = recogniser.scan_patterns if self.patterns_only else recogniser.scan
        scan(WARM_UP)
        self._scans[policy] = scan
        return scan


@dataclass(slots=True)
class Peer:
    """Another recogniser, in a child process."""

    name: str
    child: Child
    """Who answers."""
    refused: int = 0
    """How many texts it would not read."""

    def find(self, text: str, lang: str, policy: str) -> Found:
        """Scan one text; a peer has one configuration, whatever the policy."""
        del policy
        began = time.perf_counter()
        answer = self.child.answer(text, lang if lang in PEER_LANGUAGES else "en")
        self.refused += bool(answer.refused)
        spans = [(start, end, label) for start, end, label, _ in answer.spans]
        return Found(spans, (time.perf_counter() - began) * 1e3, answer.cpu_s * 1e3)
