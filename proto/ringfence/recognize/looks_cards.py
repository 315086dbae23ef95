"""Second looks at payment cards and bank accounts: PANs, track data, card codes, IBANs, BICs, routing numbers."""

from __future__ import annotations

import re

from ringfence.recognize import validators
from ringfence.recognize.bytesets import WORD, digits_of, is_bounded
from ringfence.recognize.span import NONE, Span, Spans

_GROUPS = re.compile(rb"[A-Za-z0-9]{1,34}(?: [A-Za-z0-9]{1,4}){0,9}")
_CARD_WORD = re.compile(
    rb"(?:card|visa|mastercard|amex|american express|discover|diners|jcb|maestro|pan|cc|credit|debit|tarjeta|"
    rb"carte|karte)"
    rb"\b[^\n]{0,24}$",
    re.IGNORECASE,
)
_DEVICE_BEFORE = re.compile(rb"(?:imei|imeisv|iccid|imsi)[ :=#]{1,3}$", re.IGNORECASE)
_SPLIT = re.compile(rb"[ .-]{1,2}")
_CODE = re.compile(
    rb"['\"]?(?:[ ]{1,2}(?:code|number|no\.?|#))?['\"]?[ \t]{0,3}(?:[:=#]|is|of)?[ "
    rb"\t]{0,3}['\"]?(\d{3,6})(?![0-9A-Za-z%.,/-]\d|[0-9A-Za-z%])"
)
_TRACK_REST = re.compile(rb"[^\s?]{0,80}\??|[ -~]{0,80}?\?")
_BIC = re.compile(rb"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Za-z0-9])", re.IGNORECASE)
_BIC_MARK = re.compile(
    rb"(?:[ /-]?(?:bic|swift|code|id|no|number))?['\"]?[ \t]{0,3}(?:[:=|]|is )?[ \t]{0,3}['\"]?", re.IGNORECASE
)
_BIC_AFTER_IBAN = re.compile(rb"[ ,;/(|]{1,3}([A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)(?![A-Za-z0-9])")


def pan(buf: bytes, start: int, end: int) -> Spans:
    """A card number: 13 to 19 digits, a network's range, a right Luhn digit, in groups as cards or forms write them.

    Groups of fewer than three digits need a card's word before them: a table of lab values has such groups too.
    """
    raw = buf[start:end]
    digits = digits_of(raw)
    if not 13 <= len(digits) <= 19 or not validators.is_card_range(digits) or not validators.is_luhn(digits):  # noqa: PLR2004 - ISO/IEC 7812
        return NONE
    if (
        not is_bounded(buf, start, end)
        or validators.is_isbn13(digits)
        or _DEVICE_BEFORE.search(buf, max(0, start - 12), start)
    ):
        return NONE
    groups = [len(group) for group in _SPLIT.split(raw)]
    is_usual = len(groups) == 1 or (groups[0] == 4 and min(groups[:-1]) >= 3 and len(groups) <= 5)  # noqa: PLR2004 - as embossed
    if not is_usual and not _CARD_WORD.search(buf, max(0, start - 40), start):
        return NONE
    return (Span(start, end, "PAN", 0.98, "pattern:pan"),)


def track(buf: bytes, start: int, end: int) -> Spans:
    """Track 1 or 2 of a magnetic stripe (ISO/IEC 7813), to its end sentinel."""
    rest = _TRACK_REST.match(buf, end, end + 81)
    return (Span(start, end if rest is None else rest.end(), "CARD_TRACK", 0.98, "pattern:track"),)


def code(buf: bytes, _start: int, end: int) -> Spans:
    """Three to six digits after ``CVV``, ``CVC`` or ``PIN`` (PCI DSS 3.3.1.2, 3.3.1.3)."""
    match = _CODE.match(buf, end, end + 28)
    if match is None:
        return NONE
    return (Span(match.start(1), match.end(1), "CARD_CODE", 0.85, "label:card-code"),)


def iban(buf: bytes, start: int, _end: int) -> Spans:
    """An IBAN, together or in groups of up to four, with the BIC that follows it."""
    match = _GROUPS.match(buf, start, start + 80)
    if match is None or (start and buf[start - 1] in WORD):
        return NONE
    compact = match.group().replace(b" ", b"").decode("ascii").upper()
    known = validators.IBAN_LENGTHS.get(compact[:2])
    lengths = (
        (known,) if known else range(min(len(compact), validators.IBAN_LENGTH_MAX), validators.IBAN_LENGTH_MIN - 1, -1)
    )
    for length in lengths:
        if len(compact) >= length and validators.is_iban(compact[:length]):
            stop, kept = start, 0
            while kept < length:
                kept += buf[stop] != 32  # noqa: PLR2004 - a blank
                stop += 1
            if stop == len(buf) or buf[stop] not in WORD:
                return (Span(start, stop, "IBAN", 0.99, "pattern:iban"), *_bic_after(buf, stop))
    return NONE


def _bic_after(buf: bytes, end: int) -> Spans:
    match = _BIC_AFTER_IBAN.match(buf, end, end + 16)
    if match is None or not validators.is_bic(match.group(1).decode("ascii")):
        return NONE
    return (Span(match.start(1), match.end(1), "BIC", 0.8, "pattern:bic"),)


def bic(buf: bytes, _start: int, end: int) -> Spans:
    """A BIC after its word (ISO 9362: bank, country, place, branch)."""
    mark = _BIC_MARK.match(buf, end, end + 16)
    match = None if mark is None else _BIC.match(buf, mark.end(), mark.end() + 12)
    if match is None or not validators.is_bic(match.group().decode("ascii").upper()):
        return NONE
    if match.group().isalpha() and not match.group().isupper():
        return NONE
    return (Span(match.start(), match.end(), "BIC", 0.9, "label:bic"),)
