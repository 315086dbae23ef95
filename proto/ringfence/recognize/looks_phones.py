"""Second looks at telephone numbers: labelled, in the writings of the site's countries, and international ones."""

from __future__ import annotations

import re

import phonenumbers

from ringfence.recognize.bytesets import WORD, digits_of, is_bounded
from ringfence.recognize.labels_at import value_at
from ringfence.recognize.looks_numbers import is_code, is_reference_interval
from ringfence.recognize.span import NONE, Look, Span, Spans
from ringfence.recognize.vocabulary import UNITS

_DIGITS_MIN, _DIGITS_MAX = 7, 15
"""ITU-T E.164, and the shortest subscriber numbers."""
_LOCAL_BYTES = 8
"""A number without an area code, 555-0142, is as long as an interval may be."""
_LABELLED = re.compile(rb"\+?[ ]?[(\d][\d ()./-]{3,24}\d")
_LIST = re.compile(rb"[ ]?(?:y|and|et|und|or|o|/|,)[ ]{1,2}(?=(\d[\d .-]{5,18}\d))")
_REST = re.compile(rb"[ ]?[\d(][\d()./ -]{5,22}")
_EXTENSION = re.compile(rb" ?(?:extension|ext\.?|x|ex) ?\d{1,6}\b", re.IGNORECASE)
_UNIT_AFTER = re.compile(rb"[ ]?" + UNITS + rb"(?![A-Za-z])", re.IGNORECASE)
_LINE_END = re.compile(rb"[ ]{3}|\t")


def _with_extension(buf: bytes, end: int) -> int:
    extension = _EXTENSION.match(buf, end, end + 20)
    return extension.end() if extension is not None else end


def labelled(buf: bytes, _start: int, end: int) -> Spans:
    """The numbers after ``Phone:``, ``Tfno.``, ``Fax`` and the like; six digits at least in the first."""
    at = value_at(buf, end)
    match = None if at is None else _LABELLED.match(buf, at, at + 32)
    if match is None:
        return NONE
    stop = _trimmed(buf, match.start(), match.end())
    if len(digits_of(buf[match.start() : stop])) < 6:  # noqa: PLR2004 - the shortest numbers of towns
        return NONE
    stop = _with_extension(buf, stop)
    found = [Span(match.start(), stop, "PHONE", 0.9, "label:phone")]
    for _ in range(4):
        following = _LIST.match(buf, stop, stop + 4)
        if following is None or len(digits_of(following.group(1))) < _DIGITS_MIN:
            break
        stop = following.end(1)
        found.append(Span(following.start(1), stop, "PHONE", 0.8, "label:phone"))
    return tuple(found)


def _trimmed(buf: bytes, start: int, end: int) -> int:
    """`end`, before a run of blanks, and before a bracket that opens nothing."""
    gap = _LINE_END.search(buf, start, end)
    stop = end if gap is None else gap.start()
    while stop > start and not 48 <= buf[stop - 1] <= 57:  # noqa: PLR2004 - ASCII digits
        stop -= 1
    return stop


def called(buf: bytes, start: int, end: int) -> Spans:
    """A number of seven digits or more after ``call me on`` or before ``(mobile)``: its neighbours say what it is."""
    raw = buf[start:end]
    first = re.search(rb"[+(]?\d", raw)
    if first is None:
        return NONE
    at = start + first.start()
    match = _LABELLED.match(buf, at, at + 32)
    stop = end if match is None else max(_trimmed(buf, at, match.end()), end)
    if not _DIGITS_MIN <= len(digits_of(buf[at:stop])) <= _DIGITS_MAX or (at and buf[at - 1] in WORD):
        return NONE
    return (Span(at, _with_extension(buf, stop), "PHONE", 0.8, "context:phone"),)


def plain(buf: bytes, start: int, end: int) -> Spans:
    """A national number in a grouping that nothing else has, with its extension."""
    if not is_bounded(buf, start, _boundary(buf, end)) or _UNIT_AFTER.match(buf, end, end + 12):
        return NONE
    if buf[end : end + 1] in (b"-", b"/") and buf[end + 1 : end + 2].isdigit():
        return NONE
    if start and (
        buf[start - 1] in b"-/+$"
        or is_code(buf, start)
        or (end - start <= _LOCAL_BYTES and is_reference_interval(buf, start))
    ):
        return NONE
    return (Span(start, _with_extension(buf, end), "PHONE", 0.8, "pattern:phone"),)


def _boundary(buf: bytes, end: int) -> int:
    """The end of the extension that follows, so that its ``x`` is no letter that goes on."""
    return _with_extension(buf, end)


def national(*regions: str) -> Look:
    """A look at groups of digits that can be a number of one of `regions` (ISO 3166), as `phonenumbers` has it.

    A number need not be in use: a mistyped one still points to somebody.
    """

    def look(buf: bytes, start: int, end: int) -> Spans:
        if (start and buf[start - 1] in b"-/+$.,#") or buf[end : end + 1] in (b"-", b"/", b"%"):
            return NONE
        if not is_bounded(buf, start, end) or _UNIT_AFTER.match(buf, end, end + 12) or is_code(buf, start):
            return NONE
        raw = buf[start:end].decode("ascii")
        if any(_is_number(raw, region) for region in regions):
            return (Span(start, _with_extension(buf, end), "PHONE", 0.7, "pattern:phone-national"),)
        return NONE

    return look


def _is_number(raw: str, region: str) -> bool:
    try:
        number = phonenumbers.parse(raw, region)
        return phonenumbers.is_possible_number(number) and not raw.endswith("000")
    except phonenumbers.NumberParseException:
        return False


def international(buf: bytes, start: int, _end: int) -> Spans:
    """A number that begins with ``+`` and a country code (ITU-T E.164: at most 15 digits)."""
    match = _REST.match(buf, start + 1, start + 28)
    if match is None or (start and buf[start - 1] in WORD):
        return NONE
    run = match.group()
    double = run.find(b"  ")
    run = (run if double < 0 else run[:double]).rstrip(b"()./ -")
    if not _DIGITS_MIN <= len(digits_of(run)) <= _DIGITS_MAX:
        return NONE
    stop = start + 1 + len(run)
    return (Span(start, _with_extension(buf, stop), "PHONE", 0.95, "pattern:phone-international"),)
