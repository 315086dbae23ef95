"""Where values that are known already stand in a text, in whatever letters: the sweep that no other form escapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ringfence.recognize.fold import Folded, Folder
from ringfence.recognize.mentions import name_words
from ringfence.recognize.span import Span
from ringfence.recognize.vocabulary import COMMON_WORDS
from ringfenced.deidentify.literals import Literals, Substrings

KNOWN = "mention:value"
"""The recogniser of what it finds."""
VALUE_CHARS_MIN = 4
"""Shorter values are too often something else: ``12`` in ``2012``."""


class Occurrences:
    """Finds further occurrences of known values, in any case, width, accent or look-alike letters.

    The words of a name count alone too; one of up to three letters, or one that is an English word too,
    with a capital only.
    """

    def __init__(self, folder: Folder, values: Iterable[tuple[str, str]]) -> None:
        """Look for `values`: pairs of entity type and text."""
        self._folder = folder
        self._types: dict[str, str] = {}
        self._exact_types: dict[str, str] = {}
        words: set[bytes] = set()
        for entity_type, text in values:
            data = folder.fold(text).data
            if entity_type == "PERSON":
                words |= name_words(data, 0, len(data))
            if data.isascii():
                if len(text) >= VALUE_CHARS_MIN:
                    self._types[data.decode("ascii").lower()] = entity_type
            else:  # its letters have no ASCII form, so folding would make different words alike
                self._exact_types[text] = entity_type
        self._words = frozenset(word.decode("latin-1") for word in words)
        self._literals = Literals([*self._types, *self._words])
        self._exact = Substrings(self._exact_types)

    def find(self, text: str) -> list[Span]:
        """Every occurrence in `text`, positions in code points; overlaps included."""
        found: list[Span] = []
        if self._words or self._types:
            found += self._folded(self._folder.fold(text))
        for start, end in self._exact.find(text):
            found.append(Span(start, end, self._exact_types[text[start:end]], 0.7, KNOWN))
        return found

    def _folded(self, folded: Folded) -> Iterator[Span]:
        text = folded.data.decode("latin-1")
        low = text.lower()
        for start, end in self._literals.find(low):
            found = low[start:end]
            entity_type = self._types.get(found)
            if entity_type is None:
                entity_type = "PERSON"
                if text[start] == low[start] and (
                    len(found) < VALUE_CHARS_MIN or found.encode("latin-1") in COMMON_WORDS
                ):
                    continue
            yield Span(*folded.span(start, end), entity_type, 0.7, KNOWN)
