"""The recogniser: a text in, findings out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import hyperscan

from ringfence.recognize.database import fingerprint, load_database
from ringfence.recognize.finding import Finding
from ringfence.recognize.fold import Folder
from ringfence.recognize.mentions import mentions
from ringfence.recognize.merge import merge
from ringfence.recognize.patterns import Trigger, triggers
from ringfence.recognize.reserved import is_reserved
from ringfence.recognize.span import Span

Scan = Callable[[str], tuple[Finding, ...]]
"""What finds: a recogniser's `scan`, or another with its signature."""


class Recogniser:
    """Finds identifiers. One object serves a process; calls from several threads take turns."""

    __slots__ = ("_database", "_folder", "_lock", "_looks", "version")

    def __init__(self, database: hyperscan.Database, table: Sequence[Trigger]) -> None:
        """Serve `table`, compiled as `database`; use `load` to get one."""
        self._database = database
        self._database.scratch = hyperscan.Scratch(database)
        self._looks = tuple(trigger.look for trigger in table)
        self._folder = Folder()
        self._lock = threading.Lock()
        self.version = fingerprint(table)[:12]
        """Names the patterns, hyperscan and the CPU; goes into log entries."""

    def scan(self, text: str) -> tuple[Finding, ...]:
        """What stands in `text`: sorted, without overlaps. Never raises on any str; linear in its length.

        Positions count code points of `text` as given. What is split over several texts is not seen here; see
        ``ringfenced.classify`` for the parts of a message.
        """
        folded = self._folder.fold(text)
        data = folded.data
        hits: list[tuple[int, int, int]] = []
        add = hits.append
        with self._lock:
            self._database.scan(
                data, match_event_handler=lambda trigger, start, end, _flags, _context: add((trigger, start, end))
            )
        if not hits:
            return ()
        looks = self._looks
        spans: list[Span] = []
        for trigger, start, end in hits:
            found = looks[trigger](data, start, end)
            if found:
                spans += found
        if not spans:
            return ()
        spans += mentions(data, spans)
        return tuple(
            Finding(*folded.span(span.start, span.end), span.entity_type, span.score, span.recogniser)
            for span in merge(spans)
        )


def load(cache_dir: Path | None) -> Recogniser:
    """A recogniser, with its database from `cache_dir` (see `load_database`); None compiles it, in about a second."""
    table = triggers()
    return Recogniser(load_database(table, cache_dir), table)


def residual(scan: Scan, text: str) -> tuple[Finding, ...]:
    """The findings of `text` that are no surrogates: what must be empty before anything leaves.

    Knows no mapping: a surrogate is told from a real identifier by its reserved space alone (see `is_reserved`).
    """
    return tuple(
        finding for finding in scan(text) if not is_reserved(finding.entity_type, text[finding.start : finding.end])
    )
