"""The originals, back in a stream that may be cut anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from ringfenced.deidentify.values import Mapping


class Reidentifier:
    """Puts originals back into one stream of text. One object a stream; not for several tasks at once.

    Only what may still become a surrogate is held back: at most one character less than the longest surrogate, and a
    whole one only while a longer one, or a letter or digit that makes it another word, may still follow. What the model
    never wrote is never invented: a surrogate inside a longer number or word stays.
    """

    __slots__ = ("_firsts", "_held", "_last", "_originals", "_pattern", "_prefixes", "_tail_max", "_wholes")

    def __init__(self, mapping: Mapping, *, json: bool = False) -> None:
        """Put back what `mapping` holds.

        Args:
            mapping: from the de-identification of the request that is answered.
            json: the stream is a JSON document, so originals are escaped as inside a JSON string (RFC 8259, 7).
        """
        originals = mapping.originals()
        if json:
            originals = _escaped(originals)
        self._originals = originals
        self._firsts = frozenset(surrogate[0] for surrogate in originals)
        self._prefixes = frozenset(surrogate[:length] for surrogate in originals for length in range(1, len(surrogate)))
        self._wholes = frozenset(originals)
        self._tail_max = max(map(len, originals), default=0)
        self._pattern = re.compile(_alternatives(originals)) if originals else None
        self._held = ""
        self._last = ""

    def feed(self, text: str) -> str:
        """The part of the stream up to here that is certain, originals in place."""
        if not self._held and self._firsts.isdisjoint(text):
            if text:
                self._last = text[-1]
            return text
        buffer = self._last + self._held + text
        at = len(self._last)
        keep = self._hold_from(buffer, at)
        return self._emit(buffer, at, keep)

    def flush(self) -> str:
        """The rest, at the end of the stream."""
        buffer = self._last + self._held
        return self._emit(buffer, len(self._last), len(buffer))

    def _hold_from(self, buffer: str, at: int) -> int:
        """Where the part of `buffer` begins that may still become a surrogate."""
        length = len(buffer)
        for start in range(max(at, length - self._tail_max), length):
            if buffer[start] in self._firsts and not (start and _joins(buffer[start - 1], buffer[start])):
                tail = buffer[start:]
                if tail in self._prefixes or (tail in self._wholes and tail[-1].isalnum()):
                    return start
        return length

    def _emit(self, buffer: str, at: int, keep: int) -> str:
        """Replace in `buffer` from `at` to `keep`; hold the rest."""
        pattern = self._pattern
        if pattern is None:
            self._last = buffer[-1:]
            return buffer[at:]
        written: list[str] = []
        done = at
        for match in pattern.finditer(buffer, at):
            if match.end() > keep:
                break
            written += [buffer[done : match.start()], self._originals[match.group()]]
            done = match.end()
        written.append(buffer[done:keep])
        self._held = buffer[keep:]
        self._last = buffer[keep - 1 : keep]
        return "".join(written)


def _joins(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word or number."""
    return left.isalnum() and right.isalnum()


def _alternatives(surrogates: Iterable[str]) -> str:
    """One pattern for all, the longest first, each bounded where it begins or ends with a letter or digit."""
    by_first: dict[str, list[str]] = {}
    for surrogate in sorted(surrogates, key=len, reverse=True):
        by_first.setdefault(surrogate[0], []).append(surrogate)
    groups = []
    for first, members in by_first.items():
        before = r"(?<![^\W_])" if first.isalnum() else ""
        rest = "|".join(re.escape(member[1:]) + (r"(?![^\W_])" if member[-1].isalnum() else "") for member in members)
        groups.append(f"{before}{re.escape(first)}(?:{rest})")
    return "|".join(groups)


def _escaped(originals: dict[str, str]) -> dict[str, str]:
    """The same as it stands inside JSON strings; a slash may be written with a backslash."""
    escaped: dict[str, str] = {}
    for surrogate, original in originals.items():
        inside = json.dumps(original, ensure_ascii=False)[1:-1]
        escaped[json.dumps(surrogate, ensure_ascii=False)[1:-1]] = inside
        escaped[surrogate.replace("/", "\\/")] = inside
    return escaped
