"""The recogniser: a text in, findings out.

1. readings  what reads the text as it is written: schemas of structured payloads, what cannot be read, plug-ins
2. fold      one byte for each kept character, with a map back
3. patterns  one hyperscan database; each hit gets a second look
4. stages    what reads the folded bytes too: the tagger of names and places, a site's dictionaries
5. mentions  the words of each name that was found, anywhere else; places that follow one another are one
6. views     the text as an evader's reader would see it, each scanned by 2 to 5, spans mapped back
7. settle    no span crosses a delimiter of a structured payload
8. merge     overlapping spans become one; the policy says which types count
"""

from __future__ import annotations

import sys
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import hyperscan

from ringfence.recognize.adjoin import adjoin
from ringfence.recognize.database import fingerprint, load_database
from ringfence.recognize.finding import Finding
from ringfence.recognize.fold import Folded, Folder
from ringfence.recognize.mentions import mentions
from ringfence.recognize.merge import merge
from ringfence.recognize.patterns import Trigger, triggers
from ringfence.recognize.payload import settle
from ringfence.recognize.policy import DEFAULT, Policy
from ringfence.recognize.reserved import is_reserved
from ringfence.recognize.span import Span
from ringfence.recognize.stages import Stage, Stages
from ringfence.recognize.unread import UNREAD, blanked
from ringfence.recognize.view import View, Views
from ringfence.recognize.viewed import Viewed

Scan = Callable[[str], tuple[Finding, ...]]
"""What finds: a recogniser's `scan`, or another with its signature."""


class Recogniser:
    """Finds identifiers. One object serves a process; calls from several threads take turns."""

    __slots__ = ("_database", "_folder", "_last_resort", "_lock", "_looks", "_stages", "policy", "version")

    def __init__(
        self,
        database: hyperscan.Database,
        table: Sequence[Trigger],
        policy: Policy = DEFAULT,
        stages: Stages | None = None,
    ) -> None:
        """Serve `table`, compiled as `database`; use `load` to get one."""
        self._database = database
        self._database.scratch = hyperscan.Scratch(database)
        self._looks = tuple(trigger.look for trigger in table)
        self._last_resort = frozenset(index for index, trigger in enumerate(table) if trigger.is_last_resort)
        self._folder = Folder()
        self._lock = threading.Lock()
        self._stages = stages or Stages()
        self.policy = policy
        """What counts, and as what."""
        self.version = fingerprint(table)[:12] + self._stages.version
        """Names the patterns, hyperscan, the CPU and all stages; goes into log entries."""

    def scan(self, text: str) -> tuple[Finding, ...]:
        """What stands in `text`: sorted, without overlaps. Never raises on any str; linear in its length.

        Positions count code points of `text` as given. What is split over several texts is not seen here; see
        ``ringfenced.classify`` for the parts of a message.
        """
        payload = self._stages.structure(text)
        readings = self._stages.readings + self._stages.decoded
        read = payload.spans + [span for reading in readings for span in reading(text)]
        if self._stages.allow is not None:
            read = self._stages.allow.in_text(text, read)
        unread = [span for span in read if span.entity_type in UNREAD and self.policy.wants(span.entity_type)]
        spans = self._read(text, self._stages.folded + self._stages.prose, read, unread)
        if self._stages.views is not None:
            spans = self._viewed(blanked(text, unread), spans, self._stages.views)
        return self._findings(settle(text, spans, payload))

    def allowed(self) -> Mapping[str, int]:
        """How many findings the site's allow lists let go so far, by entity type.

        Each scan counts: what stands in several views of a text, or is scanned again, counts again.
        """
        return {} if self._stages.allow is None else self._stages.allow.used()

    def scan_patterns(self, text: str) -> tuple[Finding, ...]:
        """What the patterns alone find in `text`, as it is written: no stages, no views."""
        return self._findings(self._read(text, ()))

    def _viewed(self, text: str, spans: list[Span], views: Views) -> list[Span]:
        """`spans`, and what the views of `text` add to them."""
        viewed = Viewed(text, spans, self.policy)
        for view in views(text):
            for span in self._read_view(view):
                viewed.take(view, span)
        return viewed.all()

    def _read_view(self, view: View) -> Iterable[Span]:
        """What `view` reads anew; of a code, what a plain text with these words would come to."""
        stages, read = self._stages, []
        if view.is_decoded:
            read = [span for reading in stages.decoded for span in reading(view.text)]
        every = stages.folded + stages.prose if view.is_prose else stages.folded
        # What the view did not change was scanned; a name's mentions may stand there all the same.
        found = [
            span
            for span in self._read(view.text, every, read)
            if view.is_new(span.start, span.end) or span.recogniser.startswith("mention:")
        ]
        return merge(span for span in found if self.policy.wants(span.entity_type)) if view.is_decoded else found

    def _findings(self, spans: list[Span]) -> tuple[Finding, ...]:
        wants = self.policy.wants
        return tuple(Finding(*span) for span in merge(span for span in spans if wants(span.entity_type)))

    def _read(
        self, text: str, stages: tuple[Stage, ...], read: Sequence[Span] = (), unread: Sequence[Span] = ()
    ) -> list[Span]:
        """Steps 2 to 5, after `read`, what schemas and plug-ins found; positions in characters of `text`.

        In `unread`, found to be what nobody can read, no stage is asked to guess: 100 KB of a picture took seconds.
        """
        folded = self._folder.fold(text)
        spans = self._patterns(folded.data)
        data = self._folder.fold(blanked(text, unread)).data if unread else folded.data
        for stage in stages:
            spans += stage(data)
        if self._stages.allow is not None:  # before mentions: what is let go spreads no further
            spans = self._stages.allow(folded.data, spans)
        if not spans and not read:
            return spans
        spans += [folded_span for span in read if (folded_span := _folded(folded, span)) is not None]
        spans += mentions(folded.data, spans)
        spans += adjoin(folded.data, spans)
        if folded.offsets is not None:  # before the merge: two spans may meet inside a character that folds to several
            spans = [_mapped(folded, span) for span in spans]
        spans += read  # as they are: a character that folds to nothing may stand at their edge
        return spans

    def _patterns(self, data: bytes) -> list[Span]:
        hits: list[tuple[int, int, int]] = []
        add = hits.append
        with self._lock:
            self._database.scan(
                data, match_event_handler=lambda trigger, start, end, _flags, _context: add((trigger, start, end))
            )
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
        return spans


def _mapped(folded: Folded, span: Span) -> Span:
    start, end = folded.span(span.start, span.end)
    return span._replace(start=start, end=end)


def _folded(folded: Folded, span: Span) -> Span | None:
    """`span` in bytes of the folded text; None where all of it fell away."""
    if folded.offsets is None:
        return span
    start, end = bisect_left(folded.offsets, span.start), bisect_left(folded.offsets, span.end)
    return span._replace(start=start, end=end) if start < end else None


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


def load(cache_dir: Path | None, policy: Policy = DEFAULT, stages: Stages | None = None) -> Recogniser:
    """A recogniser for `policy`.

    Args:
        cache_dir: where its database is kept (see `load_database`); None compiles it, in about a second.
        policy: what counts, and as what.
        stages: what it does beside its patterns; None for no more (see `stages.shipped`).
    """
    table = triggers(policy)
    return Recogniser(load_database(table, cache_dir), table, policy, stages)


def residual(scan: Scan, text: str) -> tuple[Finding, ...]:
    """The findings of `text` that are no surrogates: what must be empty before anything leaves.

    Knows no mapping: a surrogate is told from a real identifier by its reserved space alone (see `is_reserved`).
    """
    return tuple(
        finding for finding in scan(text) if not is_reserved(finding.entity_type, text[finding.start : finding.end])
    )
