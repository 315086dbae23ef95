"""Where any of many strings stands in a text: one pass over its words, whatever their number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_WORD = re.compile(r"[^\W_\u0e00-\u0eff\u2e80-\uffff]+|[\u0e00-\u0eff\u2e80-\uffff]+")
"""A word; scripts that write no blanks between words (Thai, Lao, Chinese, Japanese) apart from the others."""
_PREFIX_CHARS = 2
"""Substrings are looked up by their first characters."""


class Literals:
    """Finds strings as whole words: next to none of their ends stands a further letter or digit.

    Each string is filed under its first word; a text's words look themselves up. Cost is linear in the text: two
    strings under one word are compared only where their lengths differ.
    """

    __slots__ = ("_filed",)

    def __init__(self, values: Iterable[str]) -> None:
        """Look for `values`; those without a letter or digit are never found."""
        self._filed: dict[str, dict[tuple[int, int], set[str]]] = {}
        for value in values:
            first = _WORD.search(value)
            if first is not None:
                by_size = self._filed.setdefault(first.group(), {})
                by_size.setdefault((first.start(), len(value)), set()).add(value)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence in `text`, overlaps included."""
        filed = self._filed
        if not filed:
            return
        for word in _WORD.finditer(text):
            by_size = filed.get(word.group())
            if by_size is None:
                continue
            for (offset, length), members in by_size.items():
                start = word.start() - offset
                end = start + length
                if start < 0 or text[start:end] not in members:
                    continue
                if end == len(text) or not joins(text[end - 1], text[end]):
                    yield start, end


def joins(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word or number, as far as blanks tell words apart."""
    return left.isalnum() and right.isalnum() and not (_is_dense(left) or _is_dense(right))


def _is_dense(char: str) -> bool:
    return char >= "\u0e00" and ("\u2e80" <= char <= "\uffff" or char <= "\u0eff")


class Substrings:
    """Finds strings anywhere, inside words too. Linear in the text."""

    __slots__ = ("_filed",)

    def __init__(self, values: Iterable[str]) -> None:
        """Look for `values`, of two characters at least; shorter ones are never found."""
        self._filed: dict[str, dict[int, set[str]]] = {}
        for value in values:
            if len(value) >= _PREFIX_CHARS:
                self._filed.setdefault(value[:_PREFIX_CHARS], {}).setdefault(len(value), set()).add(value)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence in `text`, overlaps included."""
        filed = self._filed
        if not filed:
            return
        for start in range(len(text) - 1):
            by_length = filed.get(text[start : start + _PREFIX_CHARS])
            if by_length is not None:
                for length, members in by_length.items():
                    if text[start : start + length] in members:
                        yield start, start + length

    def any_in(self, text: str) -> bool:
        """Whether one of them occurs in `text`."""
        return next(self.find(text), None) is not None
