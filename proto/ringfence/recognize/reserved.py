"""The spaces that surrogates come from: reserved, so that none is ever anyone's identifier.

Defined once, for both sides: the daemon draws surrogates from these spaces, and the agent, which has no mapping, tells
a surrogate from a real identifier by them.

    PERSON    every word is in `pools`' closed list of invented names; initials beside them do not count
    DATE      the year is 2100 to 2299 (MIMIC-III, Johnson et al. 2016, shifts to 2100-2200; a second century leaves the
              secret offset room although one text spans a lifetime)
    AGE       90: "90 or over" is what 45 CFR 164.514(b)(2)(i)(C) lets stand
    PHONE     NANP line 555-0100 to 555-0199 (ATIS-0300115), or 999 first (no area code, no country code: ITU-T E.164)
    EMAIL     at example.com, .org or .net (RFC 2606), or below
    URL       a host under the same, and the path ``/x/`` with eight letters and digits
    IP        192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737); 2001:db8::/32 (RFC 3849)
    MAC       00-00-5E-00-53-00 to -FF (RFC 7042, 2.1.2)
    SSN       area 666 or 000, never issued (SSA, 2011)
    NPI       begins with 9 (issued ones begin with 1 or 2), right Luhn digit
    PAN       begins with 9999 (ISO/IEC 7812-1 leaves 9 to national use), right Luhn digit
    IBAN      country XX or ZZ (ISO 3166-1 user-assigned), right check digits
    ADDRESS   every word is in `pools`' streets and towns; ZIPs below 00500 (USPS assigns none below 00501)
    others    the first three digits are 999; with fewer digits all are 9. By chance a real one is so: 1 in 1,000 with
              three digits or more, 1 in 100 with two; it would pass the agent's scan, not the daemon's.
    any       the literal ``[TYPE-999...]``, for what no space fits

SECRET has none: a secret is never replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ringfence.recognize import validators
from ringfence.recognize.pools import PERSON_WORDS, PLACE_WORDS
from ringfence.recognize.vocabulary import TITLES

YEAR_FIRST, YEAR_LAST = 2100, 2299
"""Years of surrogate dates."""
ID_DIGITS = "999"
"""First digits of a surrogate number."""
ZIP_LAST = "00499"
"""Highest reserved ZIP: 00501 is the lowest that USPS assigns."""
IPV4_BLOCKS = ("192.0.2.", "198.51.100.", "203.0.113.")
"""RFC 5737."""
IPV6_BLOCK = "2001:db8:"
"""RFC 3849."""
MAC_BLOCK = "00005e0053"
"""RFC 7042."""
DOMAINS = ("example.com", "example.org", "example.net")
"""RFC 2606."""

_LITERAL = re.compile(r"\[?([A-Z_]{2,16})-999\d{3,9}\]?")
_PLAIN_WORDS = re.compile(r"[^\W\d_]+")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_WORDS = re.compile(r"\w+")
_ZIP_DIGITS = 5
_URL = re.compile(r"(?:https?://)?(?:[a-z0-9-]+\.)*example\.(?:com|org|net)/x/[a-z0-9]{8}", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z0-9-]+\.)*example\.(?:com|org|net)", re.IGNORECASE)
_TITLE_WORDS = frozenset(TITLES.split("|"))


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def _person(text: str) -> bool:
    words = [word.casefold() for word in _PLAIN_WORDS.findall(text)]
    names = [word for word in words if len(word) > 1 and word not in _TITLE_WORDS]
    return bool(names) and PERSON_WORDS.issuperset(names)


def _date(text: str) -> bool:
    years = _YEAR.findall(text)
    return len(years) == 1 and YEAR_FIRST <= int(years[0]) <= YEAR_LAST


def _phone(text: str) -> bool:
    digits = _digits(text)
    if len(digits) == 11 and digits[0] == "1":  # noqa: PLR2004 - the NANP's country code
        digits = digits[1:]
    return digits.startswith(ID_DIGITS) or (len(digits) in (7, 10) and digits[-7:-2] == "55501")


def _email(text: str) -> bool:
    return _HOST.fullmatch(text.rpartition("@")[2]) is not None


def _ip(text: str) -> bool:
    return text.startswith(IPV4_BLOCKS) or text.casefold().startswith(IPV6_BLOCK)


def _address(text: str) -> bool:
    words = [word.casefold() for word in _WORDS.findall(text)]
    numbers = [word for word in words if word.isdigit()]
    zips = [number for number in numbers if len(number) == _ZIP_DIGITS]
    names = [word for word in words if not word.isdigit()]
    if (
        len(numbers) - len(zips) > 1
        or any(number > ZIP_LAST for number in zips)
        or any(len(number) > _ZIP_DIGITS for number in numbers)
    ):
        return False
    return PLACE_WORDS.issuperset(names) and bool(names or zips)


def _number(text: str) -> bool:
    digits = _digits(text)
    return bool(digits) and digits[:3] == ID_DIGITS[: len(digits)]


_RULES: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "PERSON": _person,
        "DATE": _date,
        "AGE": lambda text: _digits(text) == "90",
        "PHONE": _phone,
        "EMAIL": _email,
        "URL": lambda text: _URL.fullmatch(text) is not None,
        "IP": _ip,
        "MAC": lambda text: re.sub(r"[:-]", "", text).casefold().startswith(MAC_BLOCK),
        "SSN": lambda text: _digits(text)[:3] in ("666", "000"),
        "NPI": lambda text: _digits(text)[:1] == "9" and validators.is_npi(_digits(text)),
        "PAN": lambda text: _digits(text)[:4] == "9999" and validators.is_luhn(_digits(text)),
        "IBAN": lambda text: (
            text[:2].upper() in validators.IBAN_RESERVED and validators.is_iban("".join(text.split()).upper())
        ),
        "ADDRESS": _address,
        "SECRET": lambda _text: False,
    }
)


def is_reserved(entity_type: str, text: str) -> bool:
    """Whether `text`, found as an `entity_type`, lies in that type's reserved space and so can be nobody's.

    Reads `text` alone; whether it really is a surrogate of ours only the mapping knows. Never raises. A type without a
    rule of its own is a number; SECRET is never reserved.
    """
    if entity_type == "SECRET":
        return False
    return _LITERAL.fullmatch(text) is not None or _RULES.get(entity_type, _number)(text)
