"""What stands in a text unseen, or is shown in another order: tag characters, variation selectors, bidi overrides.

These read the text as it is written, before folding drops them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringfence.recognize.views.codes import braille
from ringfence.recognize.views.contents import is_text
from ringfence.recognize.views.escapes import decoded_utf8
from ringfence.recognize.views.passage import Edit, Passage, reordered, rewritten

_TAG_FIRST = 0xE0000
_TAGS = re.compile("[\U000e0020-\U000e007e]{2,}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_BITS = re.compile("[\u200b\u200c\u200d\u2060\ufeff]{16,}")
_OVERRIDE = re.compile("\u202e([^\u202c\u2069\n]{2,4096})|[\u2066-\u2068]\u202e([^\u202c\u2069\n]{2,4096})")
_HIDDEN = re.compile(
    "[\u2800-\u28ff]{4}|[\U000e0020-\U000e007e\U000e0100-\U000e01ef]|\u202e|[\ufe00-\ufe0f]{4}|[\u200b\u200c\u200d\u2060\ufeff]{16}"
)


def hidden(passage: Passage) -> Iterator[Passage]:
    """What tag characters say, what variation selectors and zero-width characters encode, Braille, overridden order."""
    text = passage.text
    if text.isascii() or _HIDDEN.search(text) is None:
        return
    tags = [_tagged(text, match) for match in _TAGS.finditer(text)]
    if tags:
        yield rewritten(passage, tags, "tags")
    selectors = [edit for match in _SELECTORS.finditer(text) for edit in _selectors(text, match)]
    if selectors:
        yield rewritten(passage, selectors, "selectors")
    for zero in "\u200b\u200c\u200d\u2060\ufeff":
        bits = [edit for match in _BITS.finditer(text) for edit in _bits(match, zero)]
        if bits:
            yield rewritten(passage, bits, "zero-width")
    cells = list(braille(text))
    if cells:
        yield rewritten(passage, cells, "braille")
    order: list[int] = []
    at = 0
    for match in _OVERRIDE.finditer(text):
        group = 1 if match[1] is not None else 2
        order += range(at, match.start(group))
        order += range(match.end(group) - 1, match.start(group) - 1, -1)
        at = match.end(group)
    if order:
        order += range(at, len(text))
        yield reordered(passage, order, "bidi")


def _tagged(text: str, match: re.Match[str]) -> Edit:
    places = [(at, at + 1) for at in range(*match.span())]
    return Edit(match.start(), match.end(), "".join(chr(ord(text[at]) - _TAG_FIRST) for at, _ in places), places)


def _selectors(text: str, match: re.Match[str]) -> Iterator[Edit]:
    places = [(at, at + 1) for at in range(*match.span())]
    for edit in _bytes(bytes(_selected(text[at]) for at, _ in places), places):
        carrier = match.start() - 1
        is_carried = carrier >= 0 and not text[carrier].isspace()  # by what is no part of what they say
        yield edit._replace(start=carrier) if is_carried else edit


def _bits(match: re.Match[str], zero: str) -> Iterator[Edit]:
    """The run's characters as bits, `zero` for nought and any other for one."""
    run, base = match.group(), match.start()
    if zero in run:
        octets = range(0, len(run) // 8 * 8, 8)
        raw = bytes(int("".join("01"[char != zero] for char in run[at : at + 8]), 2) for at in octets)
        for edit in _bytes(raw, [(base + at, base + at + 8) for at in octets]):
            if edit.places is not None:  # a blank before it: the word that they hide in is no part of it
                yield edit._replace(text=f" {edit.text}", places=[edit.places[0], *edit.places])


def _selected(char: str) -> int:
    """The byte that a variation selector stands for: the first sixteen, then the other 240."""
    code = ord(char)
    return code - 0xFE00 if code < 0x10000 else code - 0xE0100 + 16  # noqa: PLR2004 - where the supplementary planes begin


def _bytes(raw: bytes, places: list[tuple[int, int]]) -> Iterator[Edit]:
    if is_text(raw):
        text, where = decoded_utf8(raw, places)
        yield Edit(places[0][0], places[-1][1], text, where)
