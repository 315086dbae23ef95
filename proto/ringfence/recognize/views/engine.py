"""All readings of a text: each family's, and those of what they read, a few levels deep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ringfence.recognize.fold import Folder
from ringfence.recognize.view import View
from ringfence.recognize.views.families import Family, Triggers
from ringfence.recognize.views.hidden import has_hidden, hidden
from ringfence.recognize.views.passage import Edit, Passage, folded, original, rewritten

DEPTH_MAX = 4
"""Readings within readings: base64 of an escaped text that is written backwards has three."""
PASSAGES_MAX = 24
"""Readings of one text; the deepest go without."""
LAYERS_MAX = 5
"""Readings of a passage by families that read the same stretch."""


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
        queue = [(root, 0)]
        seen = {root.text}
        count = 0
        if has_hidden(text):
            for passage in hidden(text):
                yield _view(passage)
                queue.append((folded(passage, self._folder), 1))
        while queue:
            passage, depth = queue.pop(0)
            for reading in self._readings(passage):
                if reading.text in seen:
                    continue
                seen.add(reading.text)
                count += 1
                yield _view(reading)
                if count >= PASSAGES_MAX:
                    return
                if depth + 1 < DEPTH_MAX:
                    queue.append((folded(reading, self._folder), depth + 1))

    def _readings(self, passage: Passage) -> Iterator[Passage]:
        families, transforms = self._triggers.families(passage.text.encode("latin-1", "replace"))
        for layer in _layers(passage.text, families):
            yield rewritten(passage, [edit for edit, _ in layer], ",".join(dict.fromkeys(name for _, name in layer)))
        for transform in transforms:
            yield from transform(passage)


def _view(passage: Passage) -> View:
    return View(passage.name, passage.text, passage.starts, passage.ends, passage.changed)


def _layers(text: str, families: Iterable[Family]) -> list[list[tuple[Edit, str]]]:
    """The edits of all `families`, sorted, spread over layers in which none overlap.

    A family that reads a stretch that another one reads as well goes into a layer of its own with all that it reads:
    half of one and half of the other would be no reading at all.
    """
    layers: list[list[tuple[Edit, str]]] = []
    for family in families:
        edits = sorted(edit for edit in family.find(text) if edit.end > edit.start)
        while edits:
            taken, edits = _apart(edits)
            named_edits = [(edit, family.name) for edit in taken]
            for layer in layers:
                if not _collide(layer, taken):
                    layer.extend(named_edits)
                    layer.sort(key=_first)
                    break
            else:
                if len(layers) == LAYERS_MAX:
                    break
                layers.append(named_edits)
    return layers


def _first(entry: tuple[Edit, str]) -> tuple[int, int]:
    return entry[0].start, entry[0].end


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


def _collide(layer: list[tuple[Edit, str]], edits: list[Edit]) -> bool:
    """Whether any of the sorted `edits` overlaps one of `layer`."""
    index = 0
    for edit in edits:
        while index < len(layer) and layer[index][0].end <= edit.start:
            index += 1
        if index < len(layer) and layer[index][0].start < edit.end:
            return True
    return False
