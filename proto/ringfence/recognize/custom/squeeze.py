r"""A folded text as its words with one blank between: what terms of several words are compared with.

``Smith,\n John`` and ``smith john`` squeeze to the same but for capitals. The way back is walked only where something
was found.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

GAP_BYTES_MAX = 3
"""Words that stand further apart are no term: ``, `` and ``. `` and one line end fit, a new paragraph does not."""

_WORD_BYTES = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\xc0\xe0")
_SPACED = bytes(0xE0 if code == 0xC0 else code if code in _WORD_BYTES else 0x20 for code in range(256))  # noqa: PLR2004 - `fold.UPPER` to `fold.LOWER`: foreign capitals are not told apart
_WORD = re.compile(rb"[0-9A-Za-z\xc0\xe0]+")


def words(folded: bytes) -> list[bytes]:
    """The words of a folded text: runs of letters and digits, capitals kept."""
    return folded.translate(_SPACED).split()


def squeeze(folded: bytes) -> bytes:
    """The words of `folded`, one blank before, between and after them."""
    return b" " + b" ".join(words(folded)) + b" "


class Places:
    """Where each word of a squeezed text stands in the folded one."""

    __slots__ = ("_folded", "_spans", "_squeezed")

    def __init__(self, folded: bytes) -> None:
        """Walk the words of `folded`."""
        self._folded = folded
        self._spans = [match.span() for match in _WORD.finditer(folded)]
        self._squeezed = list(accumulate((end - start + 1 for start, end in self._spans), initial=1))

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Bytes `start` to `end` of the squeezed text, which begin and end inside words, in the folded one.

        None where two of the words stand too far apart to be read together.
        """
        first = bisect_right(self._squeezed, start) - 1
        last = bisect_right(self._squeezed, end - 1) - 1
        if not self.is_close(first, last):
            return None
        return (
            self._spans[first][0] + start - self._squeezed[first],
            self._spans[last][0] + end - self._squeezed[last],
        )

    def is_close(self, first: int, last: int) -> bool:
        """Whether words `first` to `last` stand so close that they can be one term."""
        for index in range(first, last):
            gap_start, gap_end = self._spans[index][1], self._spans[index + 1][0]
            if gap_end - gap_start > GAP_BYTES_MAX or self._folded.count(b"\n", gap_start, gap_end) > 1:
                return False
        return True

    def word_span(self, first: int, last: int) -> tuple[int, int]:
        """Where words `first` to `last` stand."""
        return self._spans[first][0], self._spans[last][1]
