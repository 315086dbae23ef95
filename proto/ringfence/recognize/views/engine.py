"""All readings of a text: each family's, and those of what they read, a few levels deep."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ringfence.recognize.fold import Folder
from ringfence.recognize.view import View
from ringfence.recognize.views.families import Triggers, brings_sentences, is_decoded, is_last
from ringfence.recognize.views.hidden import hidden
from ringfence.recognize.views.passage import Edit, Passage, folded, original, rewritten, written

DEPTH_MAX = 4
"""Readings within readings: base64 of an escaped text that is written backwards has three."""
NESTED_MAX = 32
"""Readings within readings of one text; those of the text itself are as many as there are families."""
NESTED_CHARS_MIN = 1 << 17
"""How long readings within readings may be together, and as long again as the text."""


class Reader:
    """Makes views. Holds a cache of folded characters and compiled triggers; may be used from several threads."""

    __slots__ = ("_folder", "_triggers")

    def __init__(self) -> None:
        """Compile the triggers."""
        self._folder = Folder()
        self._triggers = Triggers()

    def __call__(self, text: str) -> Iterator[View]:
        """Every other reading of `text`, nested ones included. Never raises; bounded in number and size.

        A reading holds what it changed and some context round it, not all of a long text.
        """
        root = original(text, self._folder)
        seen = {root.text}
        queue: deque[tuple[Passage, int]] = deque()
        for reading in (*hidden(written(text)), *self._all(root)):
            if reading.text not in seen:
                seen.add(reading.text)
                yield _view(reading)
                # What was only put together, or has other letters, is read with all such readings at once too.
                if not is_last(reading.name):
                    queue.append((reading, 1))
        count, chars_left = 0, NESTED_CHARS_MIN + len(text)
        while queue:
            passage, depth = queue.popleft()
            for reading in self._all(folded(passage, self._folder)):
                if reading.text in seen:
                    continue
                seen.add(reading.text)
                yield _view(reading)
                count += 1
                chars_left -= len(reading.text)
                if count >= NESTED_MAX or chars_left < 0:
                    return
                if depth + 1 < DEPTH_MAX and not is_last(reading.name):
                    queue.append((reading, depth + 1))

    def _all(self, passage: Passage) -> Iterator[Passage]:
        for reading in self._readings(passage):
            yield reading
            yield from hidden(reading)

    def _readings(self, passage: Passage) -> Iterator[Passage]:
        """Each family's reading alone, then all of them together where they do not collide: either may be meant."""
        families, transforms = self._triggers.families(passage.text.encode("latin-1", "replace"))
        every: list[tuple[Edit, str]] = []
        alone = 0
        for family in families:
            edits = sorted(edit for edit in family.find(passage.text) if edit.end > edit.start)
            if edits:
                every += [(edit, family.name) for edit in edits]
                alone += 1
            while edits:
                taken, edits = _apart(edits)
                yield rewritten(passage, taken, family.name)
        if alone > 1:
            taken, _ = _apart(sorted(edit for edit, _ in every))
            yield rewritten(passage, taken, ",".join(dict.fromkeys(name for _, name in every)))
        for transform in transforms:
            yield from transform(passage)


def _view(passage: Passage) -> View:
    return View(
        passage.name,
        passage.text,
        passage.starts,
        passage.ends,
        is_prose=brings_sentences(passage.name, len(passage.text)),
        is_decoded=is_decoded(passage.name),
        changed=passage.changed,
    )


def _apart(edits: list[Edit]) -> tuple[list[Edit], list[Edit]]:
    """The sorted `edits` that overlap none before them, and the others."""
    taken: list[Edit] = []
    left: list[Edit] = []
    at = 0
    for edit in edits:
        if edit.start < at:
            left.append(edit)
        else:
            taken.append(edit)
            at = edit.end
    return taken, left
