"""Runs of an alphabet that stand for bytes: base64 in its forms, base32, hexadecimal, Ascii85."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence

from ringfence.recognize.views.contents import is_text, said
from ringfence.recognize.views.escapes import decoded_utf8
from ringfence.recognize.views.passage import Edit
from ringfence.recognize.views.runs import BREAK, MORE_LINES, codes, joined, lines_of
from ringfence.recognize.views.strong import is_card, is_labelled, is_plain_series

BYTES_MIN = 5
"""Shorter runs hold no identifier."""
_RUN64 = re.compile(rf"[A-Za-z0-9+/_-]{{8,}}+{MORE_LINES}")
_GROUPS64 = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/_-]{4}[ ]){2,}+(?:[A-Za-z0-9+/_-]{2,4}={0,2})?")
BASE64_TRIGGER = (
    r"(?-i:[A-Za-z0-9+/_-]{4}[a-z0-9][A-Z][A-Za-z0-9+/_-]{2}|[a-z0-9][A-Z][A-Za-z0-9+/_-]{6}|"
    r"(?:[A-Za-z0-9+/_-]{4} ){2}[A-Za-z0-9+/_-]{2,4}=|(?:[A-Za-z0-9+/_-]{4} ){3})"
)
BASE32_TRIGGER = (
    r"[a-z2-7]{8}=|[a-z][a-z2-7]{5}[2-7][a-z2-7]{5}|[a-z][2-7][a-z2-7]{10}|[a-z2-7]{10}[2-7][a-z]|(?-i:[A-Z2-7]{16})"
)
_ALPHABET64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_GROUP = re.compile(r"\S+")
_WORDS_BESIDE = 3
"""How many words beside groups of base64 are tried without."""
_BLANKS = re.compile(r"[ \t\r\n>|]")
_MIXED = re.compile(r"[a-z0-9][A-Z]")
_PARTS64 = re.compile(r"[A-Za-z0-9]{8,}")
_RUN32 = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z2-7]{8,}+|[a-z2-7]{16,}+)={0,6}(?![A-Za-z0-9])")
_HEX = re.compile(
    rf"(?<![A-Za-z0-9])(?:0x|x'|X'|\\x)?([0-9a-fA-F]{{10,}}+(?:{BREAK}[0-9a-fA-F]{{2,}}+(?![A-Za-z0-9]))*+)(?![A-Za-z0-9])"
)
_HEX_PAIRS = re.compile(
    r"(?<![A-Za-z0-9])(?:0[xX])?[0-9a-fA-F]{2}(?:[ :,;.\-|]{1,2}(?:0[xX])?[0-9a-fA-F]{2}(?![A-Za-z0-9])){4,}+"
)
_PAIR = re.compile(r"(?<![0-9a-fA-F])(?:0[xX])?([0-9a-fA-F]{2})(?![0-9a-fA-F])")
_ASCII85 = re.compile(r"<~([!-uz\s]{5,8192}?)~>")


def _read(
    raw: bytes, place_of: Callable[[int], tuple[int, int]], start: int, end: int, *, whole: bool = False
) -> Edit | None:
    """The edit for a stretch that decodes to `raw`, of which byte stands where.

    None where that is no text, or, if it must be read whole, says more than that.
    """
    if len(raw) < BYTES_MIN or (found := said(raw)) is None or (whole and not found.is_whole):
        return None
    if not found.bytes_each:
        return Edit(start, end, found.text)
    places = list(map(place_of, range(len(raw))))
    if found.bytes_each == 1:
        text, where = decoded_utf8(raw, places)
        return Edit(start, end, text, where)
    return Edit(start, end, found.text, places[: found.bytes_each * len(found.text) : found.bytes_each])


def base64_run(body: str, index: list[int], start: int, end: int, *, whole: bool = False) -> Edit | None:
    """The edit for `body`, bare characters of base64 whose places are `index`; see `_read`."""
    raw = decoded64(body)
    last = len(body) - 1

    def place_of(byte: int) -> tuple[int, int]:
        at = byte // 3 * 4 + byte % 3
        return index[at], index[min(last, at + 1)] + 1

    return _read(raw, place_of, start, end, whole=whole)


def decoded64(body: str) -> bytes:
    """Base64 in either alphabet (RFC 4648, 4 and 5) without its padding; what is over at the end falls away."""
    body = body.replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        body = body[:-1]
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return b""


def base64_text(text: str) -> Iterator[Edit]:
    """Base64 that decodes to text: alone, in lines, in groups of four, without padding, beside other letters."""
    reached = 0
    for mixed in _MIXED.finditer(text):  # nothing else in prose changes case inside a word
        start = mixed.start()
        if start < reached:
            continue
        while start > reached and text[start - 1] in _ALPHABET64:
            start -= 1
        match = _RUN64.match(text, start)
        reached = mixed.end() if match is None else match.end()
        if match is not None:
            yield from _run64(text, start, reached)
    for match in _GROUPS64.finditer(text):
        yield from _groups64(text, match.start(), match.end())


def _run64(text: str, start: int, end: int) -> Iterator[Edit]:
    """The codes in a run; parts of what is none as a whole."""
    every = lines_of(text, start, end)

    def edit_of(lines: Sequence[range], *, whole: bool = True) -> Edit | None:
        body = joined(text, lines)
        if _MIXED.search(body) is None:
            return None
        index = [at for line in lines for at in line]
        stop = end if lines[-1] == every[-1] else lines[-1].stop
        return base64_run(body, index, lines[0].start, stop, whole=whole)

    for lines, found in codes(every, edit_of):
        if (edit := found or edit_of(lines, whole=False)) is not None:
            yield edit
        else:
            yield from _parts64(text, lines[0].start, end if lines[-1] == every[-1] else lines[-1].stop)


def _joined64(text: str, start: int, end: int) -> Edit | None:
    """The edit for groups, without the blanks between them."""
    index = [at for at in range(start, end) if text[at] not in " \t\r\n>|="]
    return base64_run("".join([text[at] for at in index]), index, start, end)


def _groups64(text: str, start: int, end: int) -> Iterator[Edit]:
    """Groups of four; words of four letters may stand before and after them."""
    groups = [match.span() for match in _GROUP.finditer(text, start, end)]
    if _MIXED.search(_BLANKS.sub("", text[start:end])) is None:
        return
    for first in range(min(_WORDS_BESIDE, len(groups))):
        for last in range(len(groups), max(first + 2, len(groups) - _WORDS_BESIDE), -1):
            edit = _joined64(text, groups[first][0], groups[last - 1][1])
            if edit is not None:
                yield edit
                return


def _parts64(text: str, start: int, end: int) -> Iterator[Edit]:
    """Parts of a run that is no text as a whole, from each of the four places that a group can begin."""
    for match in _PARTS64.finditer(text, start, end):
        for shift in range(4):
            at, stop = match.start() + shift, match.end()
            if match.start() == start and match.end() == end and shift == 0:
                continue
            body = text[at:stop]
            if len(body) < 2 * BYTES_MIN or _MIXED.search(body) is None:
                continue
            edit = base64_run(body, list(range(at, stop)), at, end if text[stop:end].strip("=") == "" else stop)
            if edit is not None and edit.places is not None:
                # What stands before the part is no part of the word that it begins with.
                yield edit._replace(text=f" {edit.text}", places=[edit.places[0], *edit.places])
                break


def base32_text(text: str) -> Iterator[Edit]:
    """Base32 (RFC 4648, 6), with or without padding."""
    for match in _RUN32.finditer(text):
        body = match.group().rstrip("=").upper()
        usable = len(body) - (len(body) % 8 in (1, 3, 6))
        try:
            raw = base64.b32decode(body[:usable] + "=" * (-usable % 8))
        except binascii.Error:
            continue
        start, end = match.span()

        def place_of(byte: int, start: int = start, end: int = end) -> tuple[int, int]:
            return start + byte * 8 // 5, min(end, start + (byte * 8 + 7) // 5 + 1)

        edit = _read(raw, place_of, start, end)
        if edit is not None:
            yield edit


def hexadecimal(text: str) -> Iterator[Edit]:
    """Pairs of hexadecimal digits, in one run or parted."""
    for match in _HEX.finditer(text):
        yield from _hex_run(text, *match.span(1))
    for match in _HEX_PAIRS.finditer(text):
        pairs = list(_PAIR.finditer(text, match.start(), match.end()))
        raw, places = bytes(int(pair[1], 16) for pair in pairs), [pair.span() for pair in pairs]
        edit = _read(raw, places.__getitem__, match.start(), match.end())
        if edit is not None and (not edit.text.isdigit() or _is_number(text, match, edit.text)):
            yield edit


def _hex_run(text: str, start: int, end: int) -> Iterator[Edit]:
    """The codes in a run of hexadecimal digits, which may be broken into lines anywhere."""

    def edit_of(lines: Sequence[range], *, whole: bool = True) -> Edit | None:
        index = [at for line in lines for at in line]
        digits = joined(text, lines)
        raw = bytes.fromhex(digits[: len(digits) // 2 * 2])
        return _read(
            raw,
            lambda byte: (index[2 * byte], index[2 * byte + 1] + 1),
            lines[0].start,
            lines[-1].stop,
            whole=whole,
        )

    for lines, found in codes(lines_of(text, start, end), edit_of):
        if (edit := found or edit_of(lines, whole=False)) is not None:
            yield edit


def _is_number(text: str, match: re.Match[str], digits: str) -> bool:
    """Whether pairs that are digits' codes are meant so: a table's numbers between 30 and 39 look the same."""
    if is_plain_series(digits) or len(digits) < 9:  # noqa: PLR2004 - an SSN
        return False
    return "x" in match.group().lower() or ":" in match.group() or is_card(digits) or is_labelled(text, match.start())


def ascii85(text: str) -> Iterator[Edit]:
    """``<~...~>``: Ascii85 between its marks."""
    for match in _ASCII85.finditer(text):
        try:
            raw = base64.a85decode(match[1])
        except ValueError:
            continue
        if is_text(raw):
            yield Edit(match.start(), match.end(), raw.decode("utf-8"))
