"""Second looks at labelled fields: record and account numbers, addresses, phones, and secrets."""

from __future__ import annotations

import re

from ringfence.recognize.looks_names import before_number
from ringfence.recognize.looks_numbers import digits_of
from ringfence.recognize.span import NONE, Look, Span, Spans
from ringfence.recognize.vocabulary import FIELD_WORDS, STATES, UNITS, WEAK_ID_LABELS

_QUALIFIER = rb"(?:[ -]{0,2}(?:no|nos|number|num|nr|id|ref|reference|identifier|code|#)\b\.?|[ ]?#|\.)?"
_STRONG = re.compile(
    _QUALIFIER + rb"(?:[ ]?\([^)\n]{1,16}\))?[ \t]{0,4}['\"]?[ \t]{0,4}(?:[:|=>#]|-(?= )|\s-\s)[ \t]{0,4}"
    rb"(?:\r?\n[ \t]{0,4})?[#'\"*_]{0,2}",
    re.IGNORECASE,
)
_WEAK = re.compile(_QUALIFIER + rb"[ ]{1,2}(?:is |was |of |with )?#?", re.IGNORECASE)
_QUALIFIED = re.compile(rb"[ -]{0,2}(?:no|nos|number|num|nr|id|identifier|#)\b", re.IGNORECASE)
_TOKEN = re.compile(rb"[A-Za-z0-9](?:[A-Za-z0-9]|[./_-](?=[A-Za-z0-9])){0,40}+")
_NEXT = re.compile(rb" (?=([A-Z0-9](?:[A-Z0-9]|[/_-](?=[A-Z0-9])){0,16}+)(?![a-z'@]|[.,]\d))")
_YEAR = re.compile(rb"19\d\d|20[0-3]\d")
_QUANTITY = re.compile(rb"[ ]?" + UNITS + rb"(?![A-Za-z])", re.IGNORECASE)
_PHONE = re.compile(rb"\+?[(\d][\d ()./-]{3,22}\d")
_NINE = re.compile(rb"\d{3}[- .]?\d{2}[- .]?\d{4}(?![0-9])")
_TEN = re.compile(rb"\d{10}(?![0-9])|\d{3,4}[ -]\d{3}[ -]\d{3,4}(?![0-9])")
_CARD = re.compile(rb"\d(?:[ -]?\d){11,18}(?![0-9])")
_SECRET = re.compile(rb"[^\s'\"<>,;]{4,256}")
_SECRET_MARK = re.compile(rb"['\"]?[ \t]{0,3}(?:[:=]|is\b)[ \t]{0,3}['\"]?")
_NO_SECRETS = frozenset(b"required optional none null true false string reset expired forgotten unknown wrong".split())
_KEY_REST = re.compile(rb"[A-Za-z0-9_./+=~-]{0,4096}")
_KEY_BYTES_MIN = 20
"""The shortest of the known shapes, an AWS access key id."""
_ZIP = re.compile(rb"\d{5}(?:-\d{4})?(?![0-9])")
_FIELD_REST = re.compile(rb"[^\r\n;|<\"&]{5,120}")
_SENTENCE = re.compile(rb"\.(?=\s+[A-Z]|\s*$)")
_ABBREVIATED = (b"St", b"Ave", b"Rd", b"Blvd", b"Dr", b"Ln", b"Apt", b"No", b"Str", b"Ct")


def identifier(entity_type: str) -> Look:
    """A look at the number after a label of `entity_type`."""
    recogniser = f"label:{entity_type.lower()}"

    def look(buf: bytes, start: int, end: int) -> Spans:
        label = buf[start:end].lower()
        strong = _STRONG.match(buf, end, end + 48)
        match = strong or _WEAK.match(buf, end, end + 24)
        if match is None:
            return NONE
        at = match.end()
        qualified = strong is not None or _QUALIFIED.match(buf, end, end + 14) is not None
        stop = _identifier_end(buf, at, loose=qualified or label not in WEAK_ID_LABELS)
        if stop == at:
            return NONE
        return (Span(at, stop, entity_type, 0.9 if qualified else 0.75, recogniser), *before_number(buf, start))

    return look


def _identifier_end(buf: bytes, at: int, *, loose: bool) -> int:
    """Where the identifier that begins at `at` ends; `at` where none does.

    An identifier is a token, or several upper-case ones parted by single blanks, with three digits at least (two in a
    loose place), the last token holding a digit.
    """
    token = _TOKEN.match(buf, at, at + 48)
    if token is None:
        return at
    stop, kept = token.end(), token.end() if _has_digit(token.group()) else at
    if kept == at and not token.group().isupper():
        return at
    for _ in range(5):
        following = _NEXT.match(buf, stop, stop + 24)
        if following is None:
            break
        word = following.group(1)
        if word.lower() in FIELD_WORDS or (word.isalpha() and len(word) > 4):  # noqa: PLR2004 - a word, no group
            break
        stop = following.end() + len(word)
        if _has_digit(word):
            kept = stop
    raw = buf[at:kept]
    digits = len(digits_of(raw))
    if digits < (2 if loose else 3) or (not loose and _YEAR.fullmatch(raw)):
        return at
    if buf[kept : kept + 1] == b"%" or (
        kept < len(buf) - 1 and buf[kept] in b".," and buf[kept + 1 : kept + 2].isdigit()
    ):
        return at
    if digits < 6 and raw.isdigit() and _QUANTITY.match(buf, kept, kept + 12):  # noqa: PLR2004 - "sample 250 ml"
        return at
    return kept


def _has_digit(raw: bytes) -> bool:
    return any(48 <= byte <= 57 for byte in raw)  # noqa: PLR2004 - ASCII digits


def _after(buf: bytes, end: int) -> int | None:
    """Where a labelled value begins; None where no separator follows the label."""
    match = _STRONG.match(buf, end, end + 48) or _WEAK.match(buf, end, end + 24)
    return None if match is None else match.end()


def _labelled(pattern: re.Pattern[bytes], entity_type: str, digits_min: int) -> Look:
    recogniser = f"label:{entity_type.lower()}"

    def look(buf: bytes, _start: int, end: int) -> Spans:
        at = _after(buf, end)
        match = None if at is None else pattern.match(buf, at, at + 48)
        if match is None or len(digits_of(match.group())) < digits_min:
            return NONE
        return (Span(match.start(), match.end(), entity_type, 0.9, recogniser),)

    return look


phone = _labelled(_PHONE, "PHONE", 6)
"""The number after ``Phone:`` and the like; six digits at least."""
ssn = _labelled(_NINE, "SSN", 9)
"""Nine digits after ``SSN``."""
npi = _labelled(_TEN, "NPI", 10)
"""Ten digits after ``NPI``, whatever their check digit: a mistyped one still points to somebody."""
card = _labelled(_CARD, "PAN", 12)
"""A card number after ``Card:``, whatever its check digit."""


def secret(buf: bytes, _start: int, end: int) -> Spans:
    """What follows ``password:``, ``api_key =`` and the like."""
    match = _SECRET_MARK.match(buf, end, end + 12)
    value = None if match is None else _SECRET.match(buf, match.end(), match.end() + 256)
    if match is None or value is None:
        return NONE
    word = value.group().rstrip(b".")
    # "The password is wrong": after a verb a plain word is none.
    if word.isalpha() and (b"is" in match.group() or word.lower() in _NO_SECRETS):
        return NONE
    return (Span(value.start(), value.end(), "SECRET", 0.8, "label:secret"),)


def key(buf: bytes, start: int, end: int) -> Spans:
    """A key with a known prefix and sixteen characters or more, a digit among them, to the end of its run."""
    run = _KEY_REST.match(buf, end)
    stop = run.end() if run is not None else end
    if stop - start < _KEY_BYTES_MIN or not _has_digit(buf[start:stop]):
        return NONE
    return (Span(start, stop, "SECRET", 0.95, "pattern:key"),)


def private_key(buf: bytes, start: int, end: int) -> Spans:
    """A PEM block (RFC 7468), to its end line or 8 KiB on."""
    close = buf.find(b"-----END", end, end + 8192)
    stop = buf.find(b"-----", close + 8, close + 64) + 5 if close >= 0 else 0
    return (Span(start, stop if stop > 5 else min(len(buf), end + 8192), "SECRET", 1.0, "pattern:private-key"),)  # noqa: PLR2004


_STREET_REST = re.compile(
    rb"\.?(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|#)\.? ?[A-Za-z0-9-]{1,6})?"
    rb"(?:,[ ]|[ ]?\r?\n)?(?:(?<=[ \n])(?:\d{4,5} )?[A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}"
    rb"(?: [A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}){0,2})?"
    rb"(?:,? [A-Z]{2}(?: \d{5}(?:-\d{4})?)?(?![A-Za-z0-9]))?"
)


def street(buf: bytes, start: int, end: int) -> Spans:
    """A street with its house number, then town, state and ZIP where they follow."""
    if start and buf[start - 1 : start].isalnum():
        return NONE
    rest = _STREET_REST.match(buf, end, end + 120)
    stop = rest.end() if rest is not None else end
    newline = buf.find(b"\n", end, stop)
    if newline >= 0 and not _has_digit(buf[newline:stop]):
        stop = newline - (buf[newline - 1 : newline] == b"\r")
    stop = start + len(buf[start:stop].rstrip(b" ,.\r\n"))
    return (Span(start, stop, "ADDRESS", 0.85, "pattern:address"),)


def zip_line(buf: bytes, start: int, end: int) -> Spans:
    """A USPS state and ZIP, with the town before them."""
    if buf[start : start + 2] not in STATES and buf[start : start + 2] != b"ZZ":
        return NONE
    if (start and buf[start - 1 : start].isalnum()) or buf[end : end + 1] in (b"-", b"/", b"."):
        return NONE
    return (Span(start, end, "ADDRESS", 0.8, "pattern:zip"),)


def address(buf: bytes, _start: int, end: int) -> Spans:
    """The rest of a field after ``Address:``, to the end of its line or sentence, if it holds a digit."""
    match = _STRONG.match(buf, end, end + 24)
    value = None if match is None else _FIELD_REST.match(buf, match.end())
    if value is None or match is None:
        return NONE
    stop = value.end()
    for sentence in _SENTENCE.finditer(buf, value.start(), value.end()):
        if not buf[value.start() : sentence.start()].endswith(_ABBREVIATED):
            stop = sentence.start()
            break
    raw = buf[value.start() : stop].rstrip()
    if not _has_digit(raw):
        return NONE
    return (Span(value.start(), value.start() + len(raw), "ADDRESS", 0.7, "label:address"),)


def zip_code(buf: bytes, _start: int, end: int) -> Spans:
    """Five digits after ``ZIP``."""
    at = _after(buf, end)
    match = None if at is None else _ZIP.match(buf, at)
    return NONE if match is None else (Span(match.start(), match.end(), "ADDRESS", 0.85, "label:zip"),)
