"""A passage: a text with the place of every character in the original, and what edits make of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ringfence.recognize.fold import Folder

CONTEXT_CHARS = 160
"""How much of the text round an edit is read with it: a label and its field's separator, or a name's neighbours."""


BEFORE_CHARS, AFTER_CHARS = 24, 64
"""How near an edit a finding may stand and be due to it: before a unit or a label's end, after a label."""


class Edit(NamedTuple):
    """What one stretch of a passage reads as."""

    start: int
    """Its first character."""
    end: int
    """One past its last."""
    text: str
    """What it reads as."""
    places: Sequence[tuple[int, int]] | None = None
    """For each character of `text` the characters of the passage that it comes from; None for all of the stretch."""


@dataclass(frozen=True, slots=True, repr=False)  # it holds content, which nothing may print
class Passage:
    """A text and where it comes from."""

    text: str
    """What it reads."""
    starts: Sequence[int]
    """For each character the first character of the original that it comes from."""
    ends: Sequence[int]
    """For each character one past the last."""
    name: str = ""
    """The readings that led here, joined by ``+``; empty for the original."""
    changed: Sequence[tuple[int, int]] | None = None
    """See `View.changed`."""


def written(text: str) -> Passage:
    """`text` as it is."""
    places = range(len(text) + 1)
    return Passage(text, places[:-1], places[1:])


def original(text: str, folder: Folder) -> Passage:
    """`text` folded: letters of all scripts, and what is invisible, as recognisers take them."""
    folded = folder.fold(text)
    if folded.offsets is None:
        places = range(len(folded.data) + 1)
        return Passage(folded.data.decode("latin-1"), places[:-1], places[1:])
    offsets = folded.offsets
    return Passage(folded.data.decode("latin-1"), offsets[:-1], [place + 1 for place in offsets[:-1]])


def folded(passage: Passage, folder: Folder) -> Passage:
    """`passage` with its text folded, where it is not ASCII."""
    if passage.text.isascii():
        return passage
    inner = original(passage.text, folder)
    return Passage(
        inner.text,
        [passage.starts[place] for place in inner.starts],
        [passage.ends[place - 1] for place in inner.ends],
        passage.name,
    )


def named(passage: Passage, name: str) -> str:
    """The name of a reading of `passage`."""
    return f"{passage.name}+{name}" if passage.name else name


def rewritten(passage: Passage, edits: Iterable[Edit], name: str) -> Passage:
    """`passage` with `edits` made, cut down to the edits and what stands `CONTEXT_CHARS` round them.

    Args:
        passage: what is edited.
        edits: sorted, without overlaps.
        name: the reading, which is added to the passage's own.
    """
    text, starts, ends = passage.text, passage.starts, passage.ends
    pieces: list[str] = []
    firsts: list[int] = []
    lasts: list[int] = []

    def keep(start: int, end: int) -> None:
        pieces.append(text[start:end])
        firsts.extend(starts[start:end])
        lasts.extend(ends[start:end])

    at: int | None = None
    changed: list[tuple[int, int]] = []

    def change(edit: Edit) -> None:
        begin, end = max(0, len(firsts) - BEFORE_CHARS), len(firsts) + len(edit.text) + AFTER_CHARS
        if changed and changed[-1][1] >= begin:
            changed[-1] = (changed[-1][0], end)
        else:
            changed.append((begin, end))

    for edit in edits:
        begin = _window_start(text, edit.start)
        if at is None:
            keep(begin, edit.start)
        elif begin <= (stop := _window_end(text, at)):
            keep(at, edit.start)
        else:
            keep(at, stop)
            pieces.append("\n")
            firsts.append(firsts[-1] if firsts else starts[at - 1])
            lasts.append(lasts[-1] if lasts else ends[at - 1])
            keep(begin, edit.start)
        change(edit)
        pieces.append(edit.text)
        if edit.places is None:
            firsts += [min(starts[edit.start : edit.end])] * len(edit.text)
            lasts += [max(ends[edit.start : edit.end])] * len(edit.text)
        else:
            firsts += [min(starts[first:last]) for first, last in edit.places]
            lasts += [max(ends[first:last]) for first, last in edit.places]
        at = edit.end
    if at is not None:
        keep(at, _window_end(text, at))
    return Passage("".join(pieces), firsts, lasts, named(passage, name), changed)


def reordered(passage: Passage, places: Sequence[int], name: str) -> Passage:
    """The characters of `passage` at `places`, in that order."""
    text, starts, ends = passage.text, passage.starts, passage.ends
    return Passage(
        "".join([text[place] for place in places]),
        [starts[place] for place in places],
        [ends[place] for place in places],
        named(passage, name),
    )


def _window_start(text: str, start: int) -> int:
    """Where the context before `start` begins: after a blank or line end, so that no word or number is cut."""
    if start <= CONTEXT_CHARS:
        return 0
    low = start - 2 * CONTEXT_CHARS
    near = start - CONTEXT_CHARS
    cut = max(text.rfind(" ", max(0, low), near), text.rfind("\n", max(0, low), near))
    return cut + 1 if cut >= 0 else near


def _window_end(text: str, end: int) -> int:
    if end + CONTEXT_CHARS >= len(text):
        return len(text)
    near = end + CONTEXT_CHARS
    cuts = [
        cut
        for cut in (text.find(" ", near, near + CONTEXT_CHARS), text.find("\n", near, near + CONTEXT_CHARS))
        if cut >= 0
    ]
    return min(cuts, default=min(len(text), near))
