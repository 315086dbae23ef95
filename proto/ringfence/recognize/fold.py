"""Folding: any text as ASCII-like bytes, one for each kept character, with a map back to the original.

Recognisers read bytes, so what an evader writes in another alphabet's look-alikes must arrive as the letters that a
reader sees. Folding is character by character, so folding a whole text is folding its characters:

* compatibility forms (NFKC) become what they stand for; accents and other combining marks fall away;
* digits of all scripts become ASCII digits, dashes ``-``, quotation marks ``'`` and ``"``, blanks a blank;
* letters of other alphabets that look like Latin ones become these, and letters in disguise, such as small capitals or
  letters in squares, what they are (see `confusables`);
* format characters (zero width, bidi, soft hyphen, variation selectors) are dropped;
* other letters become `UPPER` or `LOWER`, bytes that only the name patterns know, and all else `OTHER`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ringfence.recognize.confusables import LOOKALIKES, disguised

UPPER = "\xc0"
"""Stands for an upper-case letter without an ASCII form."""
LOWER = "\xe0"
"""Stands for any other letter without an ASCII form."""
OTHER = "\x80"
"""Stands for any other character without an ASCII form."""

_TABLE_CHARS_MAX = 8192
"""How many foreign characters are remembered; beyond it they are folded anew each time, so that memory is bounded."""

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_LOOKALIKES = dict(LOOKALIKES) | dict(
    zip(
        "АВЕЅІЈКМНОРСТХУаеѕіјорсухԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυχαικ",
        "ABESIJKMHOPCTXYaesijopcyxdhqwABEZHIKMNOPTYXovpuxaik",
        strict=True,
    )
)
_LETTERS = dict(zip("ØøŁłÐðĐđÞþßÆæŒœıĦħ", "OoLlDdDdPpsAaOoiHh", strict=True))
_MARKS = (
    {"\u2026": ".", "\u2122": " ", "\xae": " ", "\xa9": " ", "\u2116": "#", "\xb7": ".", "\u2022": "*", "\xb4": "'"}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-")
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\xab\xbb", '"')
    | dict.fromkeys("\u2024\u3002\uff61", ".")
    | dict.fromkeys("\uff1a\ufe55\ua789", ":")
    | dict.fromkeys("\u2044\u2215", "/")
    | dict.fromkeys("\x85\u2028\u2029", "\n")
    | dict.fromkeys("\u115f\u1160\u3164\uffa0", "")
    | {"\u2800": " "}
)
"""Punctuation: ellipsis and signs, dashes, quotation marks, full stops, colons, slashes, line ends, and what shows as
nothing: Hangul fillers, the empty Braille cell."""


def _fold_plain(char: str) -> str:
    """One character that needs no further decomposition."""
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me", "Mc"):
        return ""
    if category[0] == "N":  # decimal digits of all scripts, and single digits in circles
        digit = unicodedata.digit(char, None)
        return OTHER if digit is None else str(digit)
    if category[0] == "Z":
        return " "
    letter = disguised(char)
    if letter is not None:
        return letter
    if category[0] == "L":
        return UPPER if category == "Lu" else LOWER
    return OTHER


def fold_char(char: str) -> str:
    """What one character becomes: no character, one, or (ligatures and the like) several, each below U+0100."""
    known = _LOOKALIKES.get(char) or _LETTERS.get(char) or _MARKS.get(char)
    if known is not None or char.isascii():
        return char if known is None else known
    parts = unicodedata.normalize("NFKD", char)
    return "".join(
        part
        if part.isascii()
        else (_LOOKALIKES.get(part) or _LETTERS.get(part) or _MARKS.get(part) or _fold_plain(part))
        for part in parts[:8]
    )


class _Table(dict[int, str]):
    """A translation table that fills itself, up to `_TABLE_CHARS_MAX` characters."""

    def __init__(self) -> None:
        super().__init__({code: chr(code) for code in range(128)})
        self.regular = {chr(code) for code in range(128)}
        """Characters that become exactly one."""

    def __missing__(self, code: int) -> str:
        folded = fold_char(chr(code))
        if len(self) < _TABLE_CHARS_MAX:
            self[code] = folded
            if len(folded) == 1:
                self.regular.add(chr(code))
        return folded


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text."""

    data: bytes
    """One byte for each kept character."""
    offsets: tuple[int, ...] | None
    """For each byte the character of the original that it comes from, and at the end the original's length.

    None where byte and character positions agree."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's characters that bytes `start` to `end` come from; dropped ones inside the span included."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + 1


class Folder:
    """Folds texts. Holds only a cache of single characters; may be used from several threads."""

    def __init__(self) -> None:
        """Start with the ASCII characters."""
        self._table = _Table()

    def fold(self, text: str) -> Folded:
        """Fold `text`; never raises, lone surrogate code points included."""
        if text.isascii():
            return Folded(text.encode("ascii"), None)
        table = self._table
        # Translating the foreign runs alone costs a quarter of translating the whole of a European text.
        folded = _FOREIGN.sub(lambda run: run.group().translate(table), text)
        if table.regular.issuperset("".join(_FOREIGN.findall(text))):
            return Folded(folded.encode("latin-1"), None)
        data: list[str] = []
        offsets: list[int] = []
        for index, char in enumerate(text):
            piece = table[ord(char)]
            if piece:
                data.append(piece)
                offsets.extend((index,) * len(piece))
        offsets.append(len(text))
        return Folded("".join(data).encode("latin-1"), tuple(offsets))
