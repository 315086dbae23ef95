"""Where values that are known already stand in a text, in whatever letters: the sweep that no other form escapes."""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.recognize.fold import Folded, Folder
from ringfence.recognize.mentions import find_words, name_words
from ringfence.recognize.span import Span
from ringfenced.deidentify.surrogates import VALUE_CHARS_MIN

_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\xc0\xe0")


class Occurrences:
    """Finds further occurrences of known values, in any case, width, accent or look-alike letters."""

    def __init__(self, folder: Folder, values: Iterable[tuple[str, str]]) -> None:
        """Look for `values`: pairs of entity type and text."""
        self._folder = folder
        self._needles: dict[bytes, str] = {}
        self._exact: dict[str, str] = {}
        words: set[bytes] = set()
        for entity_type, text in values:
            data = folder.fold(text).data
            if entity_type == "PERSON":
                words |= name_words(data, 0, len(data))
            if len(text) >= VALUE_CHARS_MIN:
                if data.isascii():
                    self._needles[data.lower()] = entity_type
                else:  # its letters have no ASCII form, so folding would make different words alike
                    self._exact[text] = entity_type
        self._words = frozenset(words)

    def find(self, text: str) -> list[Span]:
        """Every occurrence in `text`, positions in code points; overlaps included."""
        folded = self._folder.fold(text)
        low = folded.data.lower()
        found = [self._span(folded, span.start, span.end, "PERSON") for span in find_words(folded.data, self._words)]
        for needle, entity_type in self._needles.items():
            at = low.find(needle) if needle else -1
            while at >= 0:
                end = at + len(needle)
                if not (at and low[at - 1] in _WORD and needle[0] in _WORD) and not (
                    end < len(low) and low[end] in _WORD and needle[-1] in _WORD
                ):
                    found.append(self._span(folded, at, end, entity_type))
                at = low.find(needle, at + 1)
        for value, entity_type in self._exact.items():
            at = text.find(value)
            while at >= 0:
                found.append(Span(at, at + len(value), entity_type, 0.7, "mention:value"))
                at = text.find(value, at + 1)
        return found

    @staticmethod
    def _span(folded: Folded, start: int, end: int, entity_type: str) -> Span:
        return Span(*folded.span(start, end), entity_type, 0.7, "mention:value")
