"""What stands in a text unseen, or is shown in another order: tag characters, variation selectors, bidi overrides.

These read the text as it is written, before folding drops them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringfence.recognize.views.codes import braille
from ringfence.recognize.views.encodings import is_text
from ringfence.recognize.views.escapes import decoded_utf8
from ringfence.recognize.views.passage import Passage, rewritten

_TAGS = re.compile("[\U000e0020-\U000e007e]{2,}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_BITS = re.compile("[\u200b\u200c\u200d\u2060\ufeff]{16,}")
_OVERRIDE = re.compile("\u202e([^\u202c\u2069\n]{2,4096})|[\u2066-\u2068]\u202e([^\u202c\u2069\n]{2,4096})")
_HIDDEN = re.compile(
    "[\u2800-\u28ff]{4}|[\U000e0020-\U000e007e\U000e0100-\U000e01ef]|\u202e|[\ufe00-\ufe0f]{4}|[\u200b\u200c\u200d\u2060\ufeff]{16}"
)


def has_hidden(text: str) -> bool:
    """Whether there is anything for `hidden` to read."""
    return not text.isascii() and _HIDDEN.search(text) is not None


def hidden(text: str) -> Iterator[Passage]:
    """What tag characters say, what variation selectors and zero-width characters encode, and overridden order."""
    tags = [at for match in _TAGS.finditer(text) for at in range(*match.span())]
    if tags:
        yield Passage("".join(chr(ord(text[at]) - 0xE0000) for at in tags), tags, [at + 1 for at in tags], "tags")
    for match in _SELECTORS.finditer(text):
        spans = [(at, at + 1) for at in range(*match.span())]
        yield from _bytes(bytes(_selected(text[at]) for at, _ in spans), spans, "selectors")
    for match in _BITS.finditer(text):
        run = match.group()
        for zero in sorted(set(run)):
            usable = len(run) // 8 * 8
            raw = bytes(int("".join("01"[char != zero] for char in run[at : at + 8]), 2) for at in range(0, usable, 8))
            base = match.start()
            yield from _bytes(raw, [(base + at, base + at + 8) for at in range(0, usable, 8)], "zero-width")
    cells = list(braille(text))
    if cells:
        places = range(len(text) + 1)
        yield rewritten(Passage(text, places[:-1], places[1:]), cells, "braille")
    order: list[int] = []
    at = 0
    for match in _OVERRIDE.finditer(text):
        group = 1 if match[1] is not None else 2
        order += range(at, match.start(group))
        order += range(match.end(group) - 1, match.start(group) - 1, -1)
        at = match.end(group)
    if order:
        order += range(at, len(text))
        yield Passage("".join([text[place] for place in order]), order, [place + 1 for place in order], "bidi")


def _selected(char: str) -> int:
    """The byte that a variation selector stands for: the first sixteen, then the other 240."""
    code = ord(char)
    return code - 0xFE00 if code < 0x10000 else code - 0xE0100 + 16  # noqa: PLR2004 - where the supplementary planes begin


def _bytes(raw: bytes, places: list[tuple[int, int]], name: str) -> Iterator[Passage]:
    if is_text(raw):
        text, where = decoded_utf8(raw, places)
        yield Passage(text, [start for start, _ in where], [end for _, end in where], name)
