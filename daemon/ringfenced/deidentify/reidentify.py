"""The originals, back in a stream that may be cut anywhere."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from ringfenced.deidentify.index import Node, folded
from ringfenced.deidentify.literals import joins
from ringfenced.deidentify.values import Mapping

_MARKS = frozenset("*_`~\\")
"""Markdown's, which a model may write inside a surrogate; they follow the original then."""
_MARKS_MAX = 3
"""More marks than this in a row are no emphasis."""
_SUFFIXES = ("", "s", "e", "es")
"""What a name may end with in a plural or a German genitive, and what that begins with."""
_HISSES = ("s", "x", "z", "ch", "sh")
_JOINTS = frozenset("-/.,:")
"""What a longer number or date goes on with."""
_ESCAPE_CHARS, _UNICODE_CHARS = 2, 6
"""Lengths of JSON's escapes (RFC 8259, 7)."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class _Match(NamedTuple):
    """A surrogate in the buffer."""

    end: int
    text: str
    """What stands in its place."""


class _Hold(NamedTuple):
    """More must be read before it is known; `match` is what it is if no more comes."""

    match: _Match | None


class Reidentifier:
    """Puts originals back into one stream of text. One object a stream; not for several tasks at once.

    Only what may still become a surrogate is held back: a proper prefix of one, or a whole one while a longer one, a
    plural or a letter that makes it another word may still follow. What the model never wrote is never invented: a
    surrogate inside a longer number or word stays.
    """

    __slots__ = ("_before", "_firsts", "_held", "_json", "_root")

    def __init__(self, mapping: Mapping, *, json: bool = False) -> None:
        """Put back what `mapping` holds.

        Args:
            mapping: from the de-identification of the request that is answered.
            json: the stream is a JSON document, so escapes are read, and originals escaped as inside a JSON string.
        """
        self._root: Node = mapping.index
        self._json = json
        firsts = set(self._root.letters())
        firsts |= {letter.upper() for letter in firsts if len(letter.upper()) == 1}
        if json and firsts:
            firsts.add("\\")
        self._firsts = re.compile(f"[{re.escape(''.join(sorted(firsts)))}]") if firsts else None
        self._held = ""
        self._before = ""

    def feed(self, text: str) -> str:
        """The part of the stream up to here that is certain, originals in place."""
        return self._read(text, is_last=False)

    def flush(self) -> str:
        """The rest, at the end of the stream."""
        return self._read("", is_last=True)

    def _read(self, text: str, *, is_last: bool) -> str:
        firsts = self._firsts
        if firsts is None:
            return text
        lead = len(self._before)
        buffer = self._before + self._held + text
        written: list[str] = []
        shown = at = lead
        length = len(buffer)
        while (found := firsts.search(buffer, at)) is not None:
            start = found.start()
            at = self._unit(buffer, start)[1]
            if at > len(buffer) and not is_last:  # an escape that is cut
                length = start
                break
            if _is_inside(buffer, start):
                continue
            match = self._match(buffer, start, is_last=is_last)
            if isinstance(match, _Hold):
                length = start
                break
            if match is not None:
                written += [buffer[shown:start], match.text]
                shown = at = match.end
        written.append(buffer[shown:length])
        self._held = buffer[length:]
        self._before = buffer[max(0, length - 2) : length]
        return "".join(written)

    def _match(self, buffer: str, start: int, *, is_last: bool) -> _Match | _Hold | None:
        """The longest surrogate at `start`, `_Hold` where it may still grow, None for none."""
        best: _Match | None = None
        node = self._root
        at, seen, marks, row = start, "", "", 0
        while True:
            if node.entries:
                match = self._ending(node, buffer, at, seen, marks, is_last=is_last)
                if isinstance(match, _Hold):
                    return match
                best = match or best
            if not node.goes_on:
                return best
            if at >= len(buffer):
                return best if is_last else _Hold(best)
            char, end = self._unit(buffer, at)
            if end > len(buffer):
                return best if is_last else _Hold(best)
            letter = folded(char)
            following = node.step(letter) if letter else None
            if following is None:
                row += 1
                if at == start or row > _MARKS_MAX or (letter and char not in _MARKS):
                    return best
                marks += "" if char == "\\" or not letter else char
            else:
                node, row = following, 0
                seen += char
            at = end

    def _ending(
        self, node: Node, buffer: str, at: int, seen: str, marks: str, *, is_last: bool
    ) -> _Match | _Hold | None:
        """The surrogate that ends at `at`, unless it goes on as another word."""
        end = at
        while end < len(buffer) and joins(buffer[end - 1], buffer[end]) and buffer[at:end].lower() in _SUFFIXES:
            end += 1
        suffix = buffer[at:end]
        if suffix and not (suffix.lower() in _SUFFIXES and seen[-1].isalpha()):
            return None
        if seen[-1].isalnum() and end == len(buffer) and not is_last:
            return _Hold(None)
        if suffix.lower() == "e":
            return None
        for entry in sorted(node.entries, key=lambda entry: (entry.surrogate != seen, entry.is_form)):
            if entry.is_form and buffer[end : end + 1] in _JOINTS:
                if end + 1 >= len(buffer) and not is_last:
                    return _Hold(None)
                if buffer[end + 1 : end + 2].isdigit():
                    continue  # "since 2150-03-04" is not "since 2150"
            original = entry.in_case_of(seen)
            if original is not None:
                whole = _plural(original, suffix) if suffix else original
                return _Match(end, (_escaped(whole) if self._json else whole) + marks)
        return None

    def _unit(self, buffer: str, at: int) -> tuple[str, int]:
        """The character at `at` and where the next begins; beyond the buffer where an escape is cut."""
        char = buffer[at]
        if not self._json or char != "\\":
            return char, at + 1
        if at + 1 >= len(buffer):
            return char, at + _ESCAPE_CHARS
        escaped = buffer[at + 1]
        if escaped != "u":
            return _ESCAPES.get(escaped, escaped), at + _ESCAPE_CHARS
        digits = buffer[at + 2 : at + _UNICODE_CHARS]
        if len(digits) < _UNICODE_CHARS - 2:
            return char, at + _UNICODE_CHARS
        try:
            return chr(int(digits, 16)), at + _UNICODE_CHARS
        except ValueError:
            return char, at + 1


def _is_inside(buffer: str, start: int) -> bool:
    """Whether the character at `start` goes on a word or number; after an escaped line break a line begins."""
    if start == 0 or not joins(buffer[start - 1], buffer[start]):
        return False
    return not (start > 1 and buffer[start - 2] == "\\" and buffer[start - 1] in "nrt")


def _plural(original: str, suffix: str) -> str:
    end = "es" if original.lower().endswith(_HISSES) else "s"
    return original + (end.upper() if suffix.isupper() else end)


def _escaped(original: str) -> str:
    """As inside a JSON string."""
    return json.dumps(original, ensure_ascii=False)[1:-1]
