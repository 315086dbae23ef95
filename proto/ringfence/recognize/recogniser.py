"""The recogniser: a text in, findings out."""

from __future__ import annotations

import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

import hyperscan

from ringfence.recognize.database import fingerprint, load_database
from ringfence.recognize.finding import Finding
from ringfence.recognize.fold import Folded, Folder
from ringfence.recognize.mentions import mentions
from ringfence.recognize.merge import merge
from ringfence.recognize.patterns import Trigger, triggers
from ringfence.recognize.reserved import is_reserved
from ringfence.recognize.span import Span

Scan = Callable[[str], tuple[Finding, ...]]
"""What finds: a recogniser's `scan`, or another with its signature."""


class Recogniser:
    """Finds identifiers. One object serves a process; calls from several threads take turns."""

    __slots__ = ("_database", "_folder", "_last_resort", "_lock", "_looks", "version")

    def __init__(self, database: hyperscan.Database, table: Sequence[Trigger]) -> None:
        """Serve `table`, compiled as `database`; use `load` to get one."""
        self._database = database
        self._database.scratch = hyperscan.Scratch(database)
        self._looks = tuple(trigger.look for trigger in table)
        self._last_resort = frozenset(index for index, trigger in enumerate(table) if trigger.is_last_resort)
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
        spans: list[Span] = []
        later: list[tuple[int, int, int]] = []
        for hit in hits:
            trigger, start, end = hit
            if trigger in self._last_resort:
                later.append(hit)
            elif found := self._looks[trigger](data, start, end):
                spans += found
        for trigger, start, end in _outside(later, spans):
            spans += self._looks[trigger](data, start, end)
        if not spans:
            return ()
        spans += mentions(data, spans)
        if folded.offsets is not None:  # before the merge: two spans may meet inside a character that folds to several
            spans = [_mapped(folded, span) for span in spans]
        return tuple(Finding(*span) for span in merge(spans))


def _mapped(folded: Folded, span: Span) -> Span:
    start, end = folded.span(span.start, span.end)
    return span._replace(start=start, end=end)


def _outside(hits: list[tuple[int, int, int]], spans: list[Span]) -> list[tuple[int, int, int]]:
    """The `hits` that lie in none of `spans`."""
    if not hits or not spans:
        return hits
    reach = sorted((span.start, span.end) for span in spans)
    kept = []
    for hit in hits:
        index = bisect_right(reach, (hit[1], sys.maxsize)) - 1
        if index < 0 or reach[index][1] < hit[2]:
            kept.append(hit)
    return kept


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
