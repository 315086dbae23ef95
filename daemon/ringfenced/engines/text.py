"""From the bytes of tokens to text that may be shown: whole characters, and nothing of a stop string. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

_MAKE_DECODER = codecs.getincrementaldecoder("utf-8")


class TextAssembler:
    """Puts one answer together. A character or a possible stop string that is cut by a token's end is held back."""

    __slots__ = ("_decoder", "_held", "_stops")

    def __init__(self, stops: Sequence[str] = ()) -> None:
        """Begin an answer.

        Args:
            stops: the answer ends before the first of these; empty ones count for nothing.
        """
        self._decoder = _MAKE_DECODER("replace")
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    @property
    def held(self) -> int:
        """Characters that are held back, one that is not whole yet counted."""
        return len(self._held) + bool(self._decoder.getstate()[0])

    def push(self, piece: bytes) -> tuple[str, bool]:
        """Take a token's bytes; return the text that may be shown now, and whether the answer has ended.

        Bytes that are no UTF-8 become U+FFFD. After the end nothing may be pushed any more.
        """
        text = self._decoder.decode(piece)
        if not self._stops:
            return text, False
        text = self._held + text
        cuts = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if cuts:
            self._held = ""
            return text[: min(cuts)], True
        held = max(_overlap(text, stop) for stop in self._stops)
        shown = len(text) - held
        self._held = text[shown:]
        return text[:shown], False

    def finish(self) -> str:
        """Return what was held back for a stop string that did not come; a character cut in two is dropped."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` are a beginning of `stop`, the whole of it not counted."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
