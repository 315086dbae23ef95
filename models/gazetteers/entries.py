"""Entries while they are collected: an entry's normal form and the flags that the sources give it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ringfence.recognize.fold import Folder
from ringfence.recognize.gazetteer import WORDS_MAX, normal

_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"})
"""How these letters are written where the keyboard has none."""


class Entries:
    """Normal form -> flags."""

    def __init__(self) -> None:
        """Start empty."""
        self.flags: defaultdict[bytes, int] = defaultdict(int)
        self._folder = Folder()

    def add(self, texts: Iterable[str], flags: int) -> None:
        """Give `flags` to every entry of `texts` and to how it is written without umlauts."""
        for text in texts:
            for form in {text, text.lower().translate(_SPELT_OUT)}:
                if (entry := self.form(form)) is not None:
                    self.flags[entry] |= flags

    def drop(self, texts: Iterable[str], flag: int) -> None:
        """Take `flag` from every entry of `texts` that has it."""
        for text in texts:
            entry = self.form(text)
            if entry in self.flags:
                self.flags[entry] &= ~flag

    def has(self, text: str, flag: int) -> bool:
        """Whether `text` was given `flag`."""
        return bool(self.flags.get(self.form(text) or b"", 0) & flag)

    def form(self, text: str) -> bytes | None:
        """The normal form of `text`; None where it can be no entry: digits, no Latin letters, one letter, too long."""
        folded = normal(self._folder.fold(text.strip()).data)
        words = folded.split(b" ")
        if not folded.replace(b" ", b"").isalpha() or max(map(len, words)) < 2 or len(words) > WORDS_MAX:
            return None
        return folded
