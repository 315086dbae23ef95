"""Between a plug-in and the recogniser: pieces, a time limit, its labels as our types, and no trust.

A plug-in that raises, is late or claims what cannot be makes the reading fail. ``ringfenced.classify`` then counts the
text as RESTRICTED (DESIGN.md, invariant 9): a plug-in that is down never makes a site's text look clean.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping

from ringfence.recognize.plugins.claim import Claim, Reader
from ringfence.recognize.plugins.errors import PluginFailed, PluginSlow
from ringfence.recognize.plugins.settings import Plugin
from ringfence.recognize.span import Span

OVERLAP_CHARS = 200
"""How much of a piece its follower repeats: longer than any name."""


class Guarded:
    """A plug-in as a `Reading`. Calls from several threads take turns within the time limit."""

    __slots__ = ("_labels", "_late", "_plugin", "_reader", "_turns", "_turns_max")

    def __init__(self, plugin: Plugin, reader: Reader, labels: Mapping[str, str], turns_max: int = 1) -> None:
        """Guard a reader.

        Args:
            plugin: describes it.
            reader: reads one piece of text; called by at most `turns_max` threads at once.
            labels: as of `label_map`.
            turns_max: how many texts may be read at once, those included that nobody waits for any more.
        """
        self._plugin = plugin
        self._reader = reader
        self._labels = labels
        self._turns_max = turns_max
        self._turns = threading.BoundedSemaphore(turns_max)
        self._late: tuple[threading.Thread, ...] = ()

    def __call__(self, text: str) -> Iterable[Span]:
        """What the plug-in finds in `text`.

        Raises:
            PluginFailed: it raised, or its claim lies outside the text.
            PluginSlow: it took longer than it may, or is still busy with an earlier text.
        """
        if not text.strip():
            return ()
        deadline = time.monotonic() + self._plugin.seconds_max
        if not self._turns.acquire(timeout=self._plugin.seconds_max):
            raise PluginSlow(f"plug-in {self._plugin.name} has no time for this text")
        try:
            return [
                span
                for start, piece in pieces(text, self._plugin.chars_max)
                for span in self._read(start, piece, deadline)
            ]
        finally:
            self._turns.release()

    def _read(self, shift: int, piece: str, deadline: float) -> Iterator[Span]:
        for claim in self._claims(piece, deadline):
            if not 0 <= claim.start < claim.end <= len(piece):
                raise PluginFailed(f"plug-in {self._plugin.name} claims what lies outside the text")
            entity_type = self._labels.get(claim.label.upper())
            # Written so that a score that is no number counts, as everything does that is not surely below.
            if entity_type is not None and not claim.score < self._plugin.score_min:
                score = claim.score if 0 <= claim.score <= 1 else 1.0
                yield Span(shift + claim.start, shift + claim.end, entity_type, score, f"plugin:{self._plugin.name}")

    def _claims(self, piece: str, deadline: float) -> list[Claim]:
        """What the plug-in says, in a thread that is left alone when it is late: Python can stop none."""
        self._late = tuple(thread for thread in self._late if thread.is_alive())
        if len(self._late) >= self._turns_max:
            raise PluginSlow(f"plug-in {self._plugin.name} is still busy with an earlier text")
        said: list[list[Claim]] = []
        failed: list[str] = []

        def work() -> None:
            try:
                said.append([Claim(*claim) for claim in self._reader(piece)])
            except BaseException as error:  # noqa: BLE001 - whatever it raises; the error may hold the text, its class does not
                failed.append(type(error).__name__)

        thread = threading.Thread(target=work, name=f"plugin-{self._plugin.name}", daemon=True)
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            self._late += (thread,)
            raise PluginSlow(f"plug-in {self._plugin.name} took longer than {self._plugin.seconds_max:g} s")
        if not said:
            raise PluginFailed(f"plug-in {self._plugin.name} raised {''.join(failed)}")
        return said[0]


def pieces(text: str, chars_max: int) -> Iterator[tuple[int, str]]:
    """`text` in overlapping pieces of at most `chars_max` characters, with their places; cut at blanks if possible."""
    overlap = min(OVERLAP_CHARS, chars_max // 4)
    start = 0
    while len(text) - start > chars_max:
        cut = text.rfind(" ", start + chars_max - overlap, start + chars_max)
        end = cut if cut > start + overlap else start + chars_max
        yield start, text[start:end]
        blank = text.find(" ", end - overlap, end)
        start = blank if blank > start else max(end - overlap, start + 1)
    yield start, text[start:]
