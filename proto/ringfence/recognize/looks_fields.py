"""Second looks at labelled identifiers: record, account, policy, licence and other numbers after their label."""

from __future__ import annotations

import re
from collections.abc import Callable

from ringfence.recognize import validators
from ringfence.recognize.bytesets import WORD, digits_of, has_digit
from ringfence.recognize.labels_at import is_qualified, strong_at, value_at
from ringfence.recognize.looks_names import before_number
from ringfence.recognize.span import NONE, Look, Span, Spans
from ringfence.recognize.vocabulary import FIELD_WORDS, UNITS, WEAK_ID_LABELS

_DIGIT = re.compile(rb"\d")
_REACH = 96
"""Bytes after a label in which an identifier ends: a mark of up to 48 and a token of up to 42."""
_TOKEN = re.compile(rb"[A-Za-z0-9](?:[A-Za-z0-9]|[./_+-](?=[A-Za-z0-9])){0,40}+")
_NEXT = re.compile(rb" {1,2}(?:[/-] )?(?=([A-Z0-9](?:[A-Z0-9]|[/_-](?=[A-Z0-9])){0,16}+)(?![a-z'@]|[.,]\d))")
_YEAR = re.compile(rb"19\d\d|20[0-3]\d")
_DATE = re.compile(rb"(?:[0-2]?\d|3[01])[/.-](?:[0-2]?\d|3[01])[/.-](?:19|20)?\d\d|(?:19|20)\d\d-\d\d-\d\d")
_QUANTITY = re.compile(rb"[ ]?" + UNITS + rb"(?![A-Za-z])", re.IGNORECASE)
_NINE = re.compile(rb"[#]?\d{3}[- .]?\d{2}[- .]?\d{4}(?![0-9])")
_TEN = re.compile(rb"\d{10}(?![0-9])|\d{3,4}[ -]\d{3}[ -]\d{3,4}(?![0-9])")
_CARD = re.compile(rb"\d(?:[ .-]?\d){11,18}(?![0-9])")
_INTERVAL_BEFORE = re.compile(
    rb"(?:rango|valor|valores|intervalo|range|interval|normal|norm)[ -](?:de |of )?$", re.IGNORECASE
)
_LAST_FOUR = re.compile(
    rb"[^\n0-9]{0,16}?(?:[xX*.\x80]{2,}[ -]?|(?:ending|ends)(?: in| with)? |last (?:four|4)(?: digits)?:? "
    rb")(\d{4})(?![0-9])"
)
_LAST_BEFORE = re.compile(rb"last (?:four|4)(?: digits)? (?:of )?(?:the |his |her |my )?$", re.IGNORECASE)
_FOUR = re.compile(rb"[ ]?(?:is|are|:|=)?[ ]{1,2}(\d{4})(?![0-9A-Za-z])", re.IGNORECASE)
_ACCOUNT_BEFORE = re.compile(rb"(?:account|acct|card|visa|mastercard|amex|iban|checking|savings)\b", re.IGNORECASE)
_PLATE_END = re.compile(rb"[ -][A-Z]{1,3}(?![A-Za-z0-9])")
"""The letters that end a number plate: 1234 BCD."""
_DOCKET = re.compile(rb"\d{1,6} ?/ ?\d{2,4}(?: ?/ ?\d{1,4}){0,2}(?![0-9%/])")
_UDI_REST = re.compile(rb"(?:\(\d{2,3}\)[A-Za-z0-9/-]{1,20}+){0,5}")
_NOT_PREFIXES = (b"COVID", b"SARS", b"HTTP", b"ISO", b"ICD", b"DSM", b"GAD-7", b"PHQ-", b"CHA2DS2", b"HAS-BLED")
_TOKENS_MAX = 6
_SHORT_WORD = 4
"""A longer word in capitals is a word, no group of an identifier."""
_SHORT_NUMBER = 6
"""Fewer digits than this may be a quantity."""


def _says_nothing(buf: bytes, start: int, label: bytes) -> bool:
    """Whether a slash before it makes `label` no label: "mg/dl 12" is no licence; a form's "Name/MRN: 12" is one."""
    return buf[start - 1 : start] == b"/" and (label.startswith(b"dl") or label in WEAK_ID_LABELS)


def identifier(entity_type: str) -> Look:
    """A look at the number after a label of `entity_type`; a ``#`` before it belongs to it."""
    recogniser = f"label:{entity_type.lower()}"
    is_plate = entity_type == "VEHICLE_ID"

    def look(buf: bytes, start: int, end: int) -> Spans:
        if _DIGIT.search(buf, end, end + _REACH) is None or _says_nothing(buf, start, buf[start:end].lower()):
            return NONE
        strong = strong_at(buf, end)
        at = strong if strong is not None else value_at(buf, end)
        if at is None:
            return NONE
        is_strong = strong is not None or is_qualified(buf, end)
        loose = is_strong or buf[start:end].lower() not in WEAK_ID_LABELS
        stop = _identifier_end(
            buf,
            at,
            loose=loose,
            fewest=1 if is_plate and (is_strong or buf[at : at + 1].isupper()) else 2 if loose else 3,
        )
        if stop > at and is_plate and (letters := _PLATE_END.match(buf, stop, stop + 4)):
            stop = letters.end()
        if stop == at or (
            buf[start : start + 3].lower() == b"ref" and _INTERVAL_BEFORE.search(buf, max(0, start - 16), start)
        ):
            return NONE
        if buf[at - 1 : at] == b"#":
            at -= 1
        return (Span(at, stop, entity_type, 0.9 if is_strong else 0.75, recogniser), *before_number(buf, start))

    return look


def _identifier_end(buf: bytes, at: int, *, loose: bool, fewest: int = 2) -> int:
    """Where the identifier that begins at `at` ends; `at` where none does.

    An identifier is a token, or several upper-case ones parted by single blanks, with `fewest` digits at least, the
    last token holding a digit. In a place that is not `loose` a year is none.
    """
    token = _TOKEN.match(buf, at, at + 48)
    if token is None:
        return at
    stop, kept = token.end(), token.end() if has_digit(token.group()) else at
    if kept == at and not token.group().isupper():
        return at
    for _ in range(_TOKENS_MAX):
        following = _NEXT.match(buf, stop, stop + 24)
        if following is None:
            break
        word = following.group(1)
        if word.lower() in FIELD_WORDS or (word.isalpha() and len(word) > _SHORT_WORD):
            break
        stop = following.end() + len(word)
        if has_digit(word):
            kept = stop
    raw = buf[at:kept]
    digits = len(digits_of(raw))
    if digits < fewest or (not loose and _YEAR.fullmatch(raw)):
        return at
    return kept if _is_no_quantity(buf, kept, raw, digits) else at


def _is_no_quantity(buf: bytes, end: int, raw: bytes, digits: int) -> bool:
    """Whether neither a percent sign, a decimal nor a unit follows, and `raw` is no date or code that people share."""
    if buf[end : end + 1] == b"%" or (end < len(buf) - 1 and buf[end] in b".," and buf[end + 1 : end + 2].isdigit()):
        return False
    if digits < _SHORT_NUMBER and raw.upper() == raw.lower() and _QUANTITY.match(buf, end, end + 12):
        return False  # "sample 250 ml"
    return not (_DATE.fullmatch(raw) or raw.upper().startswith(_NOT_PREFIXES))


def _labelled(pattern: re.Pattern[bytes], entity_type: str, digits_min: int) -> Look:
    recogniser = f"label:{entity_type.lower()}"

    def look(buf: bytes, start: int, end: int) -> Spans:
        at = value_at(buf, end)
        if at is not None and buf[at - 1 : at] == b"#" and entity_type == "SSN":
            at -= 1
        match = None if at is None else pattern.match(buf, at, at + 48)
        if match is None or len(digits_of(match.group())) < digits_min:
            return NONE
        return (Span(match.start(), match.end(), entity_type, 0.9, recogniser), *before_number(buf, start))

    return look


ssn = _labelled(_NINE, "SSN", 9)
"""Nine digits after ``SSN``."""
npi = _labelled(_TEN, "NPI", 10)
"""Ten digits after ``NPI``, whatever their check digit: a mistyped one still points to somebody."""
_full_card = _labelled(_CARD, "PAN", 12)


def card(buf: bytes, start: int, end: int) -> Spans:
    """A card number after ``Card:``, whatever its check digit; or its last four digits.

    PCI DSS 3.4 lets the last four show, but with a name they still point to an account.
    """
    found = _full_card(buf, start, end)
    if found:
        return found
    last = _LAST_FOUR.match(buf, end, end + 48)
    return NONE if last is None else (Span(last.start(1), last.end(1), "ACCOUNT", 0.6, "label:card-last-four"),)


def last_four(buf: bytes, start: int, end: int) -> Spans:
    """Four digits after ``SSN ending in``, ``xxx-xx-``, or ``last four of SSN is``."""
    last = _LAST_FOUR.match(buf, end, end + 48)
    if last is None and _LAST_BEFORE.search(buf, max(0, start - 24), start):
        last = _FOUR.match(buf, end, end + 12)
    return NONE if last is None else (Span(last.start(1), last.end(1), "SSN", 0.7, "label:ssn-last-four"),)


def ending(buf: bytes, _start: int, end: int) -> Spans:
    """Four digits after ``ending in``; a year only behind an account's word."""
    if end < len(buf) and buf[end] in WORD:
        return NONE
    if _YEAR.fullmatch(buf, end - 4, end) and not _ACCOUNT_BEFORE.search(buf, max(0, end - 60), end):
        return NONE
    return (Span(end - 4, end, "ACCOUNT", 0.6, "label:last-four"),)


def social(buf: bytes, start: int, end: int) -> Spans:
    """An SSN after its label: all of it, or its last four digits."""
    return ssn(buf, start, end) or last_four(buf, start, end)


def numbered(buf: bytes, _start: int, end: int) -> Spans:
    """Six digits or more after ``no`` alone: ``Dr X, no 28 23 98930``."""
    at = end - 1
    while buf[at - 1 : at].isalpha() and buf[at - 1] < 128 and buf[at - 1 : at].isupper():  # noqa: PLR2004 - ASCII
        at -= 1
    stop = _identifier_end(buf, at, loose=True)
    if len(digits_of(buf[at:stop])) < _SHORT_NUMBER or buf[stop : stop + 2] == b" /":
        return NONE
    return (Span(at, stop, "CASE_ID", 0.6, "label:number"),)


def docket(buf: bytes, _start: int, end: int) -> Spans:
    """A number with its year after ``no``: ``(application no 20022 / 92)``."""
    at = end - 1
    match = _DOCKET.match(buf, at, at + 24)
    if match is None:
        return NONE
    first, _, second = match.group().partition(b"/")
    if len(first.strip()) < 3 and len(second.strip()) < 4:  # noqa: PLR2004 - "no 1/2" counts something
        return NONE
    return (Span(at, match.end(), "CASE_ID", 0.6, "label:docket"),)


def hashed(buf: bytes, start: int, end: int) -> Spans:
    """A number behind ``#`` with five digits or more: a reference of somebody's; not a colour."""
    raw = buf[start:end]
    if len(digits_of(raw)) < 5 or (start and buf[start - 1] in WORD) or (end < len(buf) and buf[end] in WORD):  # noqa: PLR2004
        return NONE
    if (
        buf[max(0, start - 12) : start]
        .lower()
        .rstrip(b" :'\"=")
        .endswith((b"color", b"colour", b"background", b"fill"))
    ):
        return NONE
    return (Span(start, end, "ID", 0.5, "pattern:hash-number"),)


def checked(entity_type: str, is_valid: Callable[[str], bool], recogniser: str, score: float = 0.8) -> Look:
    """A look that takes a match whose letters and digits pass `is_valid`."""

    def look(buf: bytes, start: int, end: int) -> Spans:
        raw = buf[start:end]
        if (start and (buf[start - 1] in WORD or buf[start - 1] in b"-_/.")) or (
            end < len(buf) and (buf[end] in WORD or buf[end] in b"_/")
        ):
            return NONE
        bare = raw.translate(None, b" .-/").decode("ascii").upper()
        return (Span(start, end, entity_type, score, recogniser),) if is_valid(bare) else NONE

    return look


def udi(buf: bytes, start: int, end: int) -> Spans:
    """A device identifier with what follows it: lot, serial, dates (21 CFR 830; GS1's application identifiers)."""
    rest = _UDI_REST.match(buf, end, end + 120)
    return (Span(start, end if rest is None else rest.end(), "DEVICE_ID", 0.9, "pattern:udi"),)


dea = checked("DOCUMENT_ID", validators.is_dea, "pattern:dea", 0.7)
"""A DEA number by its check digit."""
mbi = checked("INSURANCE_ID", validators.is_mbi, "pattern:mbi")
"""A Medicare Beneficiary Identifier by its places."""
vin = checked("VEHICLE_ID", validators.has_vin_places, "pattern:vin")
"""A VIN by its places: Europe's have no check digit."""
imei = checked("DEVICE_ID", validators.is_imei, "pattern:imei")
"""An IMEI by its check digit and the body that issued it."""
