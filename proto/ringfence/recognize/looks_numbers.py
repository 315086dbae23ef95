"""Second looks at numbers that speak for themselves: cards, IBANs, SSNs, phones, addresses of networks."""

from __future__ import annotations

import re
import socket

from ringfence.recognize import validators
from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.vocabulary import UNITS

_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\xc0\xe0")
_DIGITS = frozenset(b"0123456789")
_POINT = 46
_OCTET_MAX = 255
_NO_DIGITS = bytes(byte for byte in range(256) if byte not in _DIGITS)
_LOCAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_%+.-\xc0\xe0"
_LABELS = re.compile(rb"[A-Za-z0-9\xc0\xe0-]{1,63}(?:\.[A-Za-z0-9\xc0\xe0-]{1,63}){1,8}")
_URL_REST = re.compile(rb"[^\s<>\"|\\^{}\x80]{1,2048}+")
_URL_HOST = re.compile(rb"(?:[a-z][a-z0-9]{1,9}://)?(?:[^/?#@]{0,256}@)?[^/?#]*+[/]?", re.IGNORECASE)
_GROUPS = re.compile(rb"[A-Za-z0-9]{1,34}(?: [A-Za-z0-9]{1,4}){0,9}")
_PHONE_REST = re.compile(rb"\d[\d()./ -]{5,20}")
_EXTENSION = re.compile(rb" ?(?:ext\.?|x|ex|extension) ?\d{1,6}\b", re.IGNORECASE)
_UNIT_AFTER = re.compile(rb"[ ]?" + UNITS + rb"(?![A-Za-z])", re.IGNORECASE)
_NOT_ID_BEFORE = re.compile(
    rb"(?:PMID|PMC|NCT|DOI|ISBN|ISSN|NDC|CPT|HCPCS|SNOMED|SCTID|LOINC|RxCUI|RxNorm|ICD|CAS|RFC|ISO|EUR|USD|GBP|CHF|\$|v|version|build)"
    rb"[ :#(/-]{0,3}(?:CT|no|code|-1[03])?[ :.#-]{0,2}$",
    re.IGNORECASE,
)
_NOT_ID_PREFIX = (b"NCT", b"PMC", b"ISBN", b"RFC", b"ISO", b"GSK", b"ICD", b"CVE", b"EUR", b"USD", b"GBP", b"CHF")


def digits_of(raw: bytes) -> str:
    """The digits of `raw`."""
    return raw.translate(None, _NO_DIGITS).decode("ascii")


def _is_bounded(buf: bytes, start: int, end: int) -> bool:
    """Whether neither a letter, a digit nor a decimal point continues the span."""
    if start and (buf[start - 1] in _WORD or (buf[start - 1] == _POINT and start > 1 and buf[start - 2] in _DIGITS)):
        return False
    if end == len(buf):
        return True
    return not (buf[end] in _WORD or (buf[end] == _POINT and end + 1 < len(buf) and buf[end + 1] in _DIGITS))


def email(buf: bytes, _start: int, end: int) -> Spans:
    """An e-mail address round the ``@`` (RFC 5321's lengths: 64 and 255)."""
    at = end - 2
    window = buf[max(0, at - 64) : at]
    left = at - (len(window) - len(window.rstrip(_LOCAL)))
    while left < at and buf[left] not in _WORD:
        left += 1
    domain = _LABELS.match(buf, at + 1, at + 256)
    if domain is None or left == at:
        return NONE
    stop = domain.end()
    top_level = buf[buf.rindex(b".", at, stop) + 1 : stop]
    if len(top_level) < 2 or top_level.isdigit():  # noqa: PLR2004 - no top-level domain has one letter
        return NONE
    return (Span(left, stop, "EMAIL", 0.99, "pattern:email"),)


def url(buf: bytes, start: int, _end: int) -> Spans:
    """A URL that names more than a host: path, query, fragment or user."""
    if start and buf[start - 1] in _WORD:
        return NONE
    match = _URL_REST.match(buf, start)
    if match is None:
        return NONE
    run = match.group()
    if b"&" in run and b"?" not in run[: run.index(b"&")]:
        run = run[: run.index(b"&")]  # an ampersand outside a query belongs to what is around the URL
    stop = start + len(run.rstrip(b".,;:!?)]}'*"))
    host = _URL_HOST.match(buf, start, stop)
    if host is None or (host.end() >= stop and b"@" not in host.group()):
        return NONE
    return (Span(start, stop, "URL", 0.95, "pattern:url"),)


def ipv4(buf: bytes, start: int, end: int) -> Spans:
    """A dotted quad that is no version number."""
    octets = buf[start:end].split(b".")
    if not _is_bounded(buf, start, end) or any(
        int(octet) > _OCTET_MAX or (len(octet) > 1 and octet[:1] == b"0") for octet in octets
    ):
        return NONE
    if buf[max(0, start - 9) : start].lower().endswith((b"version ", b"version: ", b" v", b"(v")):
        return NONE
    return (Span(start, end, "IP", 0.95, "pattern:ipv4"),)


_HEX = b"0123456789abcdefABCDEF:."


def ipv6(buf: bytes, _start: int, end: int) -> Spans:
    """The run of hexadecimal groups round the hit, if the system reads it as an IPv6 address (RFC 4291)."""
    before, after = buf[max(0, end - 45) : end], buf[end : end + 45]
    left = end - (len(before) - len(before.rstrip(_HEX)))
    stop = end + (len(after) - len(after.lstrip(_HEX)))
    while stop > left and buf[stop - 1] in b".":
        stop -= 1
    run = buf[left:stop]
    if (
        (left and buf[left - 1] in _WORD)
        or (stop < len(buf) and buf[stop] in _WORD)
        or not any(byte in _DIGITS for byte in run)
    ):
        return NONE
    try:
        socket.inet_pton(socket.AF_INET6, run.decode("ascii"))
    except OSError:
        return NONE
    return (Span(left, stop, "IP", 0.95, "pattern:ipv6"),)


def mac(buf: bytes, start: int, end: int) -> Spans:
    """Six hexadecimal pairs."""
    return (Span(start, end, "MAC", 0.95, "pattern:mac"),) if _is_bounded(buf, start, end) else NONE


def ssn(buf: bytes, start: int, end: int) -> Spans:
    """A number grouped 3-2-4; areas that are never issued count too, with less confidence."""
    if not _is_bounded(buf, start, end) or (start and buf[start - 1] in b"-/") or buf[end : end + 1] in (b"-", b"/"):
        return NONE
    score = 0.95 if validators.is_issuable_ssn(digits_of(buf[start:end])) else 0.6
    return (Span(start, end, "SSN", score, "pattern:ssn"),)


def pan(buf: bytes, start: int, end: int) -> Spans:
    """A card number: 13 to 19 digits, a network's range, a right Luhn digit."""
    digits = digits_of(buf[start:end])
    if not 13 <= len(digits) <= 19 or not validators.is_card_range(digits) or not validators.is_luhn(digits):  # noqa: PLR2004 - ISO/IEC 7812
        return NONE
    if not _is_bounded(buf, start, end) or validators.is_isbn13(digits):
        return NONE
    return (Span(start, end, "PAN", 0.98, "pattern:pan"),)


def iban(buf: bytes, start: int, _end: int) -> Spans:
    """An IBAN, together or in groups of up to four."""
    match = _GROUPS.match(buf, start, start + 80)
    if match is None or (start and buf[start - 1] in _WORD):
        return NONE
    run = match.group()
    compact = run.replace(b" ", b"").decode("ascii").upper()
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
            if stop == len(buf) or buf[stop] not in _WORD:
                return (Span(start, stop, "IBAN", 0.99, "pattern:iban"),)
    return NONE


def phone(buf: bytes, start: int, end: int) -> Spans:
    """A national number in a usual grouping, with its extension."""
    if not _is_bounded(buf, start, end) or _UNIT_AFTER.match(buf, end, end + 12) or buf[end : end + 1] in (b"-", b"/"):
        return NONE
    if start and buf[start - 1] in b"-/+$":
        return NONE
    extension = _EXTENSION.match(buf, end, end + 20)
    return (Span(start, extension.end() if extension else end, "PHONE", 0.8, "pattern:phone"),)


def phone_international(buf: bytes, start: int, _end: int) -> Spans:
    """A number that begins with ``+`` and a country code (ITU-T E.164: at most 15 digits)."""
    match = _PHONE_REST.match(buf, start + 1, start + 24)
    if match is None or (start and buf[start - 1] in _WORD):
        return NONE
    run = match.group()
    double = run.find(b"  ")
    run = (run if double < 0 else run[:double]).rstrip(b"()./ -")
    if not 7 <= len(digits_of(run)) <= 15:  # noqa: PLR2004 - E.164, and the shortest subscriber numbers with a country code
        return NONE
    stop = start + 1 + len(run)
    extension = _EXTENSION.match(buf, stop, stop + 20)
    return (Span(start, extension.end() if extension else stop, "PHONE", 0.95, "pattern:phone-international"),)


def long_number(buf: bytes, start: int, end: int) -> Spans:
    """Seven or more digits, alone, grouped by hyphens or behind letters, that nothing marks as a quantity or a code."""
    if end - start < 7 or (start and buf[start - 1] in b"-/$+_#=") or buf[end : end + 1] in (b"-", b"/", b"_", b"%"):  # noqa: PLR2004
        return NONE
    raw = buf[start:end]
    digits = raw.translate(None, _NO_DIGITS)
    if len(digits) < 7 or not _is_bounded(buf, start, end) or raw.upper().startswith(_NOT_ID_PREFIX):  # noqa: PLR2004
        return NONE
    if end < len(buf) and _UNIT_AFTER.match(buf, end, end + 12):
        return NONE
    if start and _NOT_ID_BEFORE.search(buf, max(0, start - 16), start):
        return NONE
    if validators.is_isbn13(digits.decode("ascii")):
        return NONE
    return (Span(start, end, "ID", 0.4, "pattern:long-number"),)
